//! Modules look only down: `lib.rs` lists them bottom-up, and each may use only those above its line.
//!
//! Every `crate::` and `super::` path of every source file is looked at, not only `use` lines.

use std::fs;
use std::path::{Path, PathBuf};

fn source_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Names that follow `marker` in `line`.
fn names_after<'a>(line: &'a str, marker: &'a str) -> impl Iterator<Item = String> + 'a {
    line.match_indices(marker).map(|(at, _)| {
        let rest = &line[at + marker.len()..];
        rest.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    })
}

fn without_comments(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn modules_look_only_down() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let layers: Vec<String> = fs::read_to_string(src.join("lib.rs"))
        .unwrap()
        .lines()
        .filter_map(|line| {
            line.strip_prefix("pub mod ")?
                .strip_suffix(';')
                .map(str::to_owned)
        })
        .collect();
    assert!(layers.len() > 10, "lib.rs lists the layers: {layers:?}");
    let rank = |name: &str| layers.iter().position(|layer| layer == name);
    let mut files = Vec::new();
    source_files(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&src).unwrap();
        let module = relative
            .iter()
            .next()
            .unwrap()
            .to_str()
            .unwrap()
            .trim_end_matches(".rs");
        if module == "lib" || module == "main" {
            continue;
        }
        let own = rank(module).unwrap_or_else(|| panic!("{module} is not listed in lib.rs"));
        // `super::` reaches a sibling layer only from a module's root file, or doubled from inside.
        let depth = relative.iter().count() - usize::from(relative.ends_with("mod.rs"));
        let up = "super::".repeat(depth);
        let text = without_comments(&fs::read_to_string(&file).unwrap());
        for marker in ["crate::", up.as_str()] {
            // A list could nest; one path a line is easier to read anyway.
            if text.contains(&format!("{marker}{{")) {
                wrong.push(format!(
                    "{} imports a list from {marker}",
                    relative.display()
                ));
            }
            for used in names_after(&text, marker) {
                if rank(&used).is_some_and(|rank| rank > own) {
                    wrong.push(format!(
                        "{} uses {used}, which is above it",
                        relative.display()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_source_file_is_declared_and_opens_with_what_it_is_for() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&src, &mut files);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("//!"),
            "{} does not say what it is for",
            file.display()
        );
        let stem = file.file_stem().unwrap().to_str().unwrap();
        if matches!(stem, "lib" | "main") {
            continue;
        }
        let (folder, name) = match stem {
            "mod" => {
                let folder = file.parent().unwrap();
                (
                    folder.parent().unwrap(),
                    folder.file_name().unwrap().to_str().unwrap(),
                )
            }
            _ => (file.parent().unwrap(), stem),
        };
        let parent = ["mod.rs", "lib.rs"].map(|parent| folder.join(parent));
        let parent = parent.iter().find(|parent| parent.exists()).unwrap();
        let declared = fs::read_to_string(parent).unwrap();
        assert!(
            declared.contains(&format!("mod {name};")),
            "{} is declared nowhere",
            file.display()
        );
    }
}
