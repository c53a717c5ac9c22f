//! `conclab install` and `uninstall` on a real executable: the kernelspec they write, keep and remove.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn spec(&self) -> PathBuf {
        self.0.join("share/jupyter/kernels/conclab")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn conclab(executable: &Path, arguments: &[&str]) -> Output {
    Command::new(executable).args(arguments).output().unwrap()
}

fn run(folder: &Folder, command: &str) -> (i32, String, String) {
    let prefix = folder.0.to_str().unwrap();
    let output = conclab(
        Path::new(env!("CARGO_BIN_EXE_conclab")),
        &[command, "--prefix", prefix],
    );
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn installs_twice_the_same_and_uninstalls() {
    let folder = Folder::new("install");
    let (code, said, _) = run(&folder, "install");
    assert_eq!(code, 0);
    assert!(said.contains(folder.spec().to_str().unwrap()), "{said}");
    let expected = [
        "kernel.json",
        "logo-32x32.png",
        "logo-64x64.png",
        "logo-svg.svg",
    ];
    assert_eq!(files(&folder.spec()), expected);
    let first = fs::read_to_string(folder.spec().join("kernel.json")).unwrap();
    let spec: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(
        spec["argv"],
        serde_json::json!([
            env!("CARGO_BIN_EXE_conclab"),
            "kernel",
            "-f",
            "{connection_file}"
        ])
    );

    assert_eq!(run(&folder, "install").0, 0);
    assert_eq!(files(&folder.spec()), expected);
    assert_eq!(
        fs::read_to_string(folder.spec().join("kernel.json")).unwrap(),
        first
    );

    assert_eq!(run(&folder, "uninstall").0, 0);
    assert!(!folder.spec().exists());
    let (code, said, _) = run(&folder, "uninstall");
    assert_eq!(code, 0);
    assert!(said.starts_with("Nothing to remove"), "{said}");
}

#[test]
fn a_link_stays_the_path_to_start() {
    let folder = Folder::new("install-link");
    let link = folder.0.join("conclab");
    symlink(env!("CARGO_BIN_EXE_conclab"), &link).unwrap();
    let output = conclab(&link, &["install", "--prefix", folder.0.to_str().unwrap()]);
    assert!(output.status.success());
    let spec: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.spec().join("kernel.json")).unwrap()).unwrap();
    assert_eq!(spec["argv"][0], link.to_str().unwrap());
}

#[test]
fn another_kernel_of_that_name_is_left_alone() {
    let folder = Folder::new("install-foreign");
    fs::create_dir_all(folder.spec()).unwrap();
    let foreign = r#"{"argv": ["python3", "-m", "other"], "display_name": "other"}"#;
    fs::write(folder.spec().join("kernel.json"), foreign).unwrap();
    for command in ["install", "uninstall"] {
        let (code, _, complaint) = run(&folder, command);
        assert_eq!(code, 3, "{command}");
        assert!(complaint.contains("something else"), "{complaint}");
    }
    assert_eq!(
        fs::read_to_string(folder.spec().join("kernel.json")).unwrap(),
        foreign
    );
}

#[test]
fn a_place_that_cannot_be_written_is_explained() {
    let folder = Folder::new("install-file");
    // A file where a folder has to be fails for root as well, whom permissions don't stop.
    fs::write(folder.0.join("share"), "").unwrap();
    fs::set_permissions(folder.0.join("share"), fs::Permissions::from_mode(0o444)).unwrap();
    let (code, _, complaint) = run(&folder, "install");
    assert_eq!(code, 3);
    assert!(
        complaint.contains("cannot write to") && complaint.contains("--user"),
        "{complaint}"
    );
}

#[test]
fn wrong_options_show_the_usage() {
    let output = conclab(
        Path::new(env!("CARGO_BIN_EXE_conclab")),
        &["install", "--everywhere"],
    );
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        complaint.contains("--everywhere") && complaint.contains("usage: conclab install"),
        "{complaint}"
    );
}
