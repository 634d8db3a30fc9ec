//! The process that plays scenarios with requests.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const PROGRAM: &str = include_str!("../requests_side.py");

pub(crate) struct Python {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    pub(crate) fn start() -> Result<Self, String> {
        let name = std::env::var_os("COMPARE_PYTHON")
            .ok_or("COMPARE_PYTHON does not name a Python with requests; .ci/run makes one")?;
        let mut command = Command::new(&name);
        // Neither proxies nor netrc of whoever runs this.
        command.env_clear().env("NETRC", "/dev/null").env("PYTHONUTF8", "1");
        command.args(["-I", "-c", PROGRAM]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|why| format!("{} does not start: {why}", name.display()))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("Python has no input or output".to_owned());
        };
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    /// What came of the scenario, which is one JSON document.
    pub(crate) fn play(&mut self, scenario: &str) -> Result<Value, String> {
        let gone = |why: std::io::Error| format!("Python has ended: {why}");
        let line = scenario.replace('\n', " ") + "\n";
        self.input.write_all(line.as_bytes()).and_then(|()| self.input.flush()).map_err(gone)?;
        let mut told = String::new();
        self.output.read_line(&mut told).map_err(gone)?;
        serde_json::from_str(&told).map_err(|why| format!("Python says {told:?}: {why}"))
    }

    pub(crate) fn finish(mut self) -> Result<(), String> {
        drop(self.input);
        let status = self.child.wait().map_err(|why| why.to_string())?;
        if status.success() { Ok(()) } else { Err(format!("Python ends with {status}")) }
    }
}
