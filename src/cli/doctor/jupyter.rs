//! Whether a Jupyter knows the kernel, and whether there is a JupyterLab: files only, nothing is started.

use super::{Finding, Mark, Patient};
use crate::cli::install;
use crate::host::interpreters::find;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Data folders that every Jupyter on this machine looks through: see "Data files" in the documentation of
/// jupyter_core.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/local/share/jupyter", "/usr/share/jupyter"];

/// Programs that open notebooks, the best first.
const FRONTENDS: [&str; 3] = ["jupyter-lab", "jupyter-notebook", "jupyter"];

pub fn look(patient: &mut Patient) -> Vec<Finding> {
    let environments: Vec<PathBuf> = ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .iter()
        .filter_map(env::var_os)
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .collect();
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = environments
        .iter()
        .map(|folder| folder.join("bin"))
        .chain(env::split_paths(&path))
        .collect();
    let frontend = FRONTENDS.iter().find_map(|name| {
        let mut programs = folders.iter().map(|folder| folder.join(name));
        programs.find(|program| find::is_executable(program))
    });
    vec![
        kernel(patient, &environments, frontend.as_deref()),
        lab(frontend.as_deref()),
    ]
}

fn lab(frontend: Option<&Path>) -> Finding {
    let install = "pip install jupyterlab, or ./install.sh in conclab's folder";
    match frontend {
        Some(program) if program.ends_with("jupyter-lab") => {
            Finding::ok("JupyterLab", program.display().to_string())
        }
        Some(program) => Finding::new(
            Mark::Missing,
            "JupyterLab",
            format!("not found, but {}", program.display()),
            install,
        ),
        None => Finding::new(
            Mark::Missing,
            "JupyterLab",
            "not on the PATH, nor in an environment that is active",
            install,
        ),
    }
}

/// The kernelspec that Jupyter finds first, and whether it starts this executable.
fn kernel(patient: &Patient, environments: &[PathBuf], frontend: Option<&Path>) -> Finding {
    // A frontend's own environment: what stands above its `bin`.
    let of_frontend = frontend
        .and_then(|program| fs::canonicalize(program).ok())
        .and_then(|program| Some(program.parent()?.parent()?.to_owned()));
    let prefixes = environments.iter().cloned().chain(of_frontend);
    let own = install::user_data_folder(|name| env::var_os(name).filter(|value| !value.is_empty()));
    let listed = env::var_os("JUPYTER_PATH").unwrap_or_default();
    let data = env::split_paths(&listed)
        .chain(own)
        .chain(prefixes.map(|prefix| prefix.join("share/jupyter")))
        .chain(SYSTEM_FOLDERS.map(PathBuf::from));
    let mut folders = data
        .filter(|folder| !folder.as_os_str().is_empty())
        .map(|folder| folder.join("kernels").join(install::NAME));
    let found = folders.find(|folder| folder.join("kernel.json").is_file());
    let again = "conclab install; `conclab install --help` says where else";
    let Some(folder) = found else {
        return Finding::new(
            Mark::Missing,
            "kernel",
            "no Jupyter that is known here knows it",
            again,
        );
    };
    let starts = fs::read(folder.join("kernel.json"))
        .ok()
        .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok())
        .and_then(|spec| Some(PathBuf::from(spec["argv"][0].as_str()?)));
    let place = folder.display();
    match starts {
        None => Finding::new(
            Mark::Warning,
            "kernel",
            format!("{place} can't be read"),
            again,
        ),
        Some(program) if !find::is_executable(&program) => Finding::new(
            Mark::Warning,
            "kernel",
            format!("{place} starts {}, which is no program", program.display()),
            again,
        ),
        Some(program) if fs::canonicalize(&program).ok() != own_executable(patient) => {
            Finding::new(
                Mark::Warning,
                "kernel",
                format!("{place} starts another conclab: {}", program.display()),
                "conclab install, if it shall be this one",
            )
        }
        Some(_) => Finding::ok("kernel", format!("{place}")),
    }
}

fn own_executable(patient: &Patient) -> Option<PathBuf> {
    fs::canonicalize(&patient.executable).ok()
}
