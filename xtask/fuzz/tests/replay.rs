//! Every case of every corpus, on stable Rust, in every test run.

use std::path::Path;

#[test]
fn every_corpus_case_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (target, oracle) in fuzz::TARGETS {
        let folder = corpus.join(target);
        let files =
            std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{target} has no corpus");
        for file in files {
            let data = std::fs::read(&file).unwrap();
            if std::panic::catch_unwind(|| oracle(&data)).is_err() {
                panic!("{target}: {} does not hold", file.display());
            }
        }
    }
}

#[test]
fn every_corpus_folder_has_a_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for folder in std::fs::read_dir(corpus).unwrap() {
        let name = folder.unwrap().file_name();
        assert!(fuzz::TARGETS.iter().any(|(target, _)| name == *target), "{name:?} has no target");
    }
}
