//! Scenarios: data that both sides understand.
//!
//! A file of `scenarios/` is a JSON list. A scenario with `for` stands for one scenario per combination of the values,
//! put in place of `<KEY>`. `{A}` and `{B}` are two servers by address, `{a}` and `{b}` their ports alone, for URLs
//! with names: every name is this machine, except those that end in `.invalid`.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A scenario before the ports are known.
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Ids of the page, and the paths of the differences that each stands for.
    pub(crate) differs: BTreeMap<String, Vec<String>>,
}

/// What is played.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    #[serde(rename = "name")]
    pub(crate) _name: String,
    #[serde(rename = "differs", default)]
    _differs: Value,
    #[serde(rename = "for", default)]
    _for: Value,
    #[serde(default)]
    pub(crate) session: Setup,
    /// The answers in the order of the requests; all further ones are a 200 with the body `ok`.
    #[serde(default)]
    pub(crate) answers: Vec<Answer>,
    pub(crate) steps: Vec<Step>,
}

pub(crate) type Pairs = Vec<(String, Option<String>)>;

/// What the session has before the first request.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    #[serde(default)]
    pub(crate) headers: Pairs,
    pub(crate) params: Option<Value>,
    pub(crate) auth: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) max_redirects: Option<u32>,
    pub(crate) hooks: Option<Vec<String>>,
}

/// One answer of the server.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    #[serde(default = "ok_status")]
    pub(crate) status: u16,
    #[serde(default = "ok_reason")]
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) body: String,
    pub(crate) body_base64: Option<String>,
    /// The body is sent in chunks of this length.
    pub(crate) chunks: Option<usize>,
    /// These octets, one for each character, in place of all of the above.
    pub(crate) raw: Option<String>,
    #[serde(default)]
    pub(crate) then: Then,
    /// How many requests are answered so.
    #[serde(default = "once")]
    pub(crate) times: usize,
}

/// What happens to the connection when the answer has been sent.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Then {
    #[default]
    Keep,
    Close,
    /// Kept, and never answered again.
    Stall,
}

/// One call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Through `request()`…
    pub(crate) method: Option<String>,
    /// … or through the method of this name.
    pub(crate) call: Option<String>,
    pub(crate) url: String,
    pub(crate) params: Option<Value>,
    #[serde(default)]
    pub(crate) headers: Pairs,
    pub(crate) body: Option<(String, Value)>,
    #[serde(default)]
    pub(crate) cookies: Vec<(String, String)>,
    pub(crate) auth: Option<Vec<String>>,
    pub(crate) redirects: Option<bool>,
    pub(crate) timeout: Option<f64>,
    pub(crate) hooks: Option<Vec<String>>,
    /// What is done with the answer; `text` by default.
    pub(crate) read: Option<String>,
    pub(crate) chunk: Option<usize>,
    pub(crate) delimiter: Option<String>,
}

fn ok_status() -> u16 {
    200
}

fn ok_reason() -> String {
    "OK".to_owned()
}

fn once() -> usize {
    1
}

impl Template {
    /// The document with these ports in it.
    pub(crate) fn with_ports(&self, [a, b]: [u16; 2]) -> String {
        let text = self.text.replace("{A}", "http://127.0.0.1:{a}").replace("{B}", "http://127.0.0.1:{b}");
        text.replace("{a}", &a.to_string()).replace("{b}", &b.to_string())
    }
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../scenarios/", $name, ".json")))),*]
    };
}

/// All scenarios, in the order of the files.
pub(crate) fn load() -> Result<Vec<Template>, String> {
    let files =
        files!["asking", "bodies", "multipart", "cookies", "auth", "redirects", "answers", "failures"];
    let mut templates = Vec::new();
    for (name, text) in files {
        let list: Vec<Value> = serde_json::from_str(text).map_err(|why| format!("{name}.json: {why}"))?;
        for value in list {
            expand(value, &mut templates).map_err(|why| format!("{name}.json: {why}"))?;
        }
    }
    Ok(templates)
}

fn expand(value: Value, templates: &mut Vec<Template>) -> Result<(), String> {
    let mut texts = vec![value.to_string()];
    if let Some(keys) = value.get("for").and_then(Value::as_object) {
        for (key, values) in keys {
            let values = values.as_array().ok_or("`for` needs lists")?;
            let placed = |text: &String, value: &Value| {
                let bare = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                // In quotes and with a hash it stands for something else than a string.
                text.replace(&format!("\"<#{key}>\""), &bare).replace(&format!("<{key}>"), &bare)
            };
            texts =
                texts.iter().flat_map(|text| values.iter().map(move |value| placed(text, value))).collect();
        }
    }
    for text in texts {
        let value: Value = serde_json::from_str(&text).map_err(|why| format!("{why}: {text}"))?;
        let name = value.get("name").and_then(Value::as_str).ok_or("a scenario has no name")?.to_owned();
        let differs = value.get("differs").cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let differs = serde_json::from_value(differs).map_err(|why| format!("{name}: differs: {why}"))?;
        templates.push(Template { name, text, differs });
    }
    Ok(())
}
