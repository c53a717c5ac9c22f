//! `conclab install` and `conclab uninstall`: tell Jupyter about this executable, or make it forget.
//!
//! A kernelspec is a folder `kernels/conclab` with `kernel.json` and logos, found by every Jupyter that
//! looks below the same data folder. The files come from `kernelspec/` at build time, so an installed
//! executable needs nothing beside it. To add a place that Jupyter reads, add it to [`Place`].

use super::output::print_line;
use super::{broken, usage};
use anyhow::{Context, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

/// Name of the kernel, and of its folder below `kernels`.
pub(super) const NAME: &str = "conclab";

const TEMPLATE: &str = include_str!("../../kernelspec/kernel.json");

/// The other files of the kernelspec.
const LOGOS: &[(&str, &[u8])] = &[
    (
        "logo-svg.svg",
        include_bytes!("../../kernelspec/logo-svg.svg"),
    ),
    (
        "logo-64x64.png",
        include_bytes!("../../kernelspec/logo-64x64.png"),
    ),
    (
        "logo-32x32.png",
        include_bytes!("../../kernelspec/logo-32x32.png"),
    ),
];

/// Where the kernelspec goes.
#[derive(Debug, PartialEq)]
enum Place {
    /// The user's own data folder: every Jupyter that this user starts.
    User,
    /// The Python environment that is active, or that `python3` belongs to: its Jupyter only.
    SysPrefix,
    /// `share/jupyter` below a folder that is named.
    Prefix(PathBuf),
}

/// Writes the kernelspec.
pub fn install(arguments: &[String]) -> ExitCode {
    run("install", arguments, |folder| {
        let executable = stable_path(env::args_os().next(), env::var_os("PATH"))?;
        write(folder, &executable)?;
        print_line(format_args!(
            "Installed the kernelspec in {}",
            folder.display()
        ))?;
        print_line(format_args!("It starts {}", executable.display()))?;
        if executable
            .components()
            .any(|part| part.as_os_str() == "target")
        {
            print_line(
                "That is a build in its source folder: the kernel works as long as the folder stays where it is.",
            )?;
        }
        Ok(())
    })
}

/// Removes the kernelspec; that there is none is no failure.
pub fn uninstall(arguments: &[String]) -> ExitCode {
    run("uninstall", arguments, |folder| {
        if !folder.exists() {
            print_line(format_args!(
                "Nothing to remove: there is no {}",
                folder.display()
            ))?;
            return Ok(());
        }
        if !is_ours(folder) {
            bail!(
                "{} is not conclab's kernelspec (its kernel.json starts something else), so it stays; \
                 remove it by hand if you don't need it",
                folder.display()
            );
        }
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display()))?;
        print_line(format_args!("Removed {}", folder.display()))?;
        Ok(())
    })
}

fn run(command: &str, arguments: &[String], act: fn(&Path) -> anyhow::Result<()>) -> ExitCode {
    let place = match read_place(arguments) {
        Ok(place) => place,
        Err(message) => {
            return usage(&format!(
                "{message}; usage: conclab {command} [--user | --sys-prefix | --prefix DIR]"
            ));
        }
    };
    match data_folder(&place).and_then(|data| act(&data.join("kernels").join(NAME))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => broken(&error),
    }
}

fn read_place(arguments: &[String]) -> Result<Place, String> {
    let mut place = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let next = match argument.split_once('=') {
            Some(("--prefix", "")) => return Err("--prefix needs a folder".to_owned()),
            Some(("--prefix", folder)) => Place::Prefix(folder.into()),
            _ => match argument.as_str() {
                "--user" => Place::User,
                "--sys-prefix" => Place::SysPrefix,
                "--prefix" => match rest.next() {
                    Some(folder) if !folder.is_empty() => Place::Prefix(folder.into()),
                    _ => return Err("--prefix needs a folder".to_owned()),
                },
                other => return Err(format!("there is no option {other}")),
            },
        };
        if place.replace(next).is_some() {
            return Err("one place at a time".to_owned());
        }
    }
    Ok(place.unwrap_or(Place::User))
}

/// The data folder of Jupyter, whose `kernels` is looked through: see "Data files" in the documentation
/// of jupyter_core.
fn data_folder(place: &Place) -> anyhow::Result<PathBuf> {
    let folder = match place {
        Place::User => user_data_folder(|name| env::var_os(name).filter(|value| !value.is_empty()))
            .context("cannot tell where your home is: set HOME, or use --prefix DIR")?,
        Place::SysPrefix => sys_prefix()?.join("share/jupyter"),
        Place::Prefix(folder) => folder.join("share/jupyter"),
    };
    std::path::absolute(&folder).with_context(|| format!("cannot resolve {}", folder.display()))
}

pub(super) fn user_data_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(folder) = variable("JUPYTER_DATA_DIR") {
        return Some(folder.into());
    }
    let home = || variable("HOME").map(PathBuf::from);
    if cfg!(target_os = "macos") {
        return Some(home()?.join("Library/Jupyter"));
    }
    match variable("XDG_DATA_HOME") {
        Some(folder) => Some(PathBuf::from(folder).join("jupyter")),
        None => Some(home()?.join(".local/share/jupyter")),
    }
}

fn sys_prefix() -> anyhow::Result<PathBuf> {
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        if let Some(folder) = env::var_os(name).filter(|value| !value.is_empty()) {
            return Ok(folder.into());
        }
    }
    let answer = Command::new("python3")
        .args(["-c", "import sys; print(sys.prefix)"])
        .output()
        .context("--sys-prefix asks python3 for its prefix, and python3 cannot be started: use --prefix DIR")?;
    let prefix = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
    if !answer.status.success() || prefix.is_empty() {
        bail!("--sys-prefix asks python3 for its prefix, and it does not answer: use --prefix DIR");
    }
    Ok(prefix.into())
}

/// The absolute path to start this executable by, that survives an upgrade.
///
/// It is the name by which it was called, with symbolic links left in place: package managers link a fixed
/// name to a folder with a version in it, and `/proc/self/exe` would give the latter.
fn stable_path(called: Option<OsString>, path: Option<OsString>) -> anyhow::Result<PathBuf> {
    let actual = env::current_exe().context("cannot tell where this executable is")?;
    let same = |candidate: &PathBuf| {
        fs::canonicalize(candidate).ok() == fs::canonicalize(&actual).ok() && candidate.is_file()
    };
    let Some(called) = called.map(PathBuf::from) else {
        return Ok(actual);
    };
    let candidates: Vec<PathBuf> = if called.components().count() > 1 {
        vec![called]
    } else {
        env::split_paths(&path.unwrap_or_default())
            .map(|folder| folder.join(&called))
            .collect()
    };
    match candidates.into_iter().find(same) {
        Some(found) => std::path::absolute(&found).context("cannot tell the current folder"),
        None => Ok(actual),
    }
}

/// Writes every file of the kernelspec; what was there of an earlier version is replaced.
fn write(folder: &Path, executable: &Path) -> anyhow::Result<()> {
    if folder.exists() && !is_ours(folder) {
        bail!(
            "{} belongs to something else (its kernel.json does not start conclab): remove or rename it first",
            folder.display()
        );
    }
    let executable = executable.to_str().with_context(|| {
        format!(
            "the path {} is not UTF-8, which kernel.json cannot hold",
            executable.display()
        )
    })?;
    let mut spec: serde_json::Value =
        serde_json::from_str(TEMPLATE).context("kernelspec/kernel.json")?;
    spec["argv"][0] = executable.into();
    let spec = format!("{}\n", serde_json::to_string_pretty(&spec)?);
    fs::create_dir_all(folder).with_context(|| remedy(folder))?;
    for (name, content) in LOGOS {
        replace(folder, name, content).with_context(|| remedy(folder))?;
    }
    // Last, because it is what makes the folder a kernelspec.
    replace(folder, "kernel.json", spec.as_bytes()).with_context(|| remedy(folder))
}

fn remedy(folder: &Path) -> String {
    format!(
        "cannot write to {} (--user writes to your home, --prefix DIR where you say)",
        folder.display()
    )
}

/// Writes a file so that a Jupyter that reads meanwhile sees the old one or the new one.
fn replace(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let new = folder.join(format!(".{name}.{}", std::process::id()));
    fs::write(&new, content)?;
    fs::rename(&new, folder.join(name))
}

/// Whether a folder may be written over or removed: its kernel.json has conclab's argv, or there is none.
fn is_ours(folder: &Path) -> bool {
    let Ok(text) = fs::read(folder.join("kernel.json")) else {
        return fs::read_dir(folder).is_ok_and(|mut entries| {
            entries.all(|entry| {
                entry.is_ok_and(|entry| LOGOS.iter().any(|(name, _)| entry.file_name() == *name))
            })
        });
    };
    let template: serde_json::Value = serde_json::from_str(TEMPLATE).expect("checked by a test");
    serde_json::from_slice::<serde_json::Value>(&text).is_ok_and(|found| {
        let arguments = |spec: &serde_json::Value| {
            spec["argv"]
                .as_array()
                .and_then(|argv| argv.get(1..).map(<[_]>::to_vec))
        };
        arguments(&found) == arguments(&template)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_place_is_read_from_the_options() {
        assert_eq!(read_place(&[]), Ok(Place::User));
        assert_eq!(read_place(&words("--sys-prefix")), Ok(Place::SysPrefix));
        assert_eq!(
            read_place(&words("--prefix /opt/x")),
            Ok(Place::Prefix("/opt/x".into()))
        );
        assert_eq!(
            read_place(&words("--prefix=/opt/x")),
            Ok(Place::Prefix("/opt/x".into()))
        );
    }

    #[test]
    fn wrong_options_are_told() {
        let wrong = |text| read_place(&words(text)).unwrap_err();
        assert_eq!(wrong("--prefix"), "--prefix needs a folder");
        assert_eq!(wrong("--prefix="), "--prefix needs a folder");
        assert_eq!(wrong("--global"), "there is no option --global");
        assert_eq!(wrong("--user --sys-prefix"), "one place at a time");
    }

    #[cfg(not(target_os = "macos"))]
    #[test]
    fn the_users_folder_is_where_jupyter_looks() {
        let folder = |set: &[(&str, &str)]| {
            user_data_folder(|name| {
                let (_, value) = set.iter().find(|(known, _)| *known == name)?;
                Some(value.into())
            })
        };
        assert_eq!(
            folder(&[("HOME", "/h")]),
            Some("/h/.local/share/jupyter".into())
        );
        assert_eq!(
            folder(&[("HOME", "/h"), ("XDG_DATA_HOME", "/d")]),
            Some("/d/jupyter".into())
        );
        assert_eq!(
            folder(&[("HOME", "/h"), ("JUPYTER_DATA_DIR", "/j")]),
            Some("/j".into())
        );
        assert_eq!(folder(&[]), None);
    }

    #[test]
    fn the_template_is_a_kernelspec_for_this_kernel() {
        let spec: serde_json::Value = serde_json::from_str(TEMPLATE).unwrap();
        assert_eq!(
            spec["argv"],
            serde_json::json!([NAME, "kernel", "-f", "{connection_file}"])
        );
        assert_eq!(spec["language"], "toml");
        assert_eq!(spec["interrupt_mode"], "message");
    }

    #[test]
    fn a_link_that_leads_here_is_kept_and_another_program_is_not_taken() {
        let folder = env::temp_dir().join(format!("conclab-install-{}", std::process::id()));
        let (right, wrong) = (folder.join("right"), folder.join("wrong"));
        fs::create_dir_all(&right).unwrap();
        fs::create_dir_all(&wrong).unwrap();
        let actual = env::current_exe().unwrap();
        std::os::unix::fs::symlink(&actual, right.join("tool")).unwrap();
        fs::write(wrong.join("tool"), "another program").unwrap();
        let path = env::join_paths([&wrong, &right]).unwrap();
        assert_eq!(
            stable_path(Some("tool".into()), Some(path)).unwrap(),
            right.join("tool")
        );
        assert_eq!(
            stable_path(Some(right.join("tool").into()), None).unwrap(),
            right.join("tool")
        );
        assert_eq!(stable_path(Some("tool".into()), None).unwrap(), actual);
        fs::remove_dir_all(&folder).unwrap();
    }
}
