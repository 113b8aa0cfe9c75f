//! The committed generated code is what the .proto files say. `BLESS=1 cargo test -p wire` renews it.

use std::fs;
use std::path::Path;

#[test]
fn generated_code_is_up_to_date() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut protos: Vec<_> = fs::read_dir(here.join("proto"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "proto"))
        .collect();
    protos.sort();
    let set = protox::compile(&protos, [here.join("proto")]).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .bytes(".systole.tools.Document")
        .out_dir(fresh.path())
        .compile_fds(set)
        .unwrap();
    let committed = here.join("src/generated");
    let mut names: Vec<_> =
        fs::read_dir(fresh.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert!(!names.is_empty());
    for name in names {
        let text = fs::read_to_string(fresh.path().join(&name)).unwrap();
        let target = committed.join(&name);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&target, &text).unwrap();
        }
        let found = fs::read_to_string(&target).unwrap_or_default();
        assert!(
            found == text,
            "{} differs from its .proto; run BLESS=1 cargo test -p wire",
            target.display()
        );
    }
}
