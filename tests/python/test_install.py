"""install.sh as a user meets it: what it installs, that it can be repeated, and what it says when something is missing."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

# What any Linux has; everything else a test adds by name.
TOOLS = ("bash", "sh", "env", "dirname", "sed", "sort", "head", "tail", "grep", "cut", "mktemp", "rm", "rmdir", "cp", "mv",
         "cmp", "mkdir", "cat", "uname", "id", "ls")
FILES = ["kernel.json", "logo-32x32.png", "logo-64x64.png", "logo-svg.svg"]


class Machine:
    """A machine with only the named programs on its PATH, and an empty home."""

    def __init__(self, folder, repository):
        self.script = repository / "install.sh"
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.home.mkdir()
        self.bin.mkdir()
        self.environment = {"HOME": str(self.home), "PATH": str(self.bin), "LANG": "C.UTF-8"}
        # Rust's own settings belong to the machine, not to the home that is tested.
        self.environment["RUSTUP_HOME"] = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
        for name in TOOLS:
            self.add(name)

    def add(self, name, target=None):
        (self.bin / name).symlink_to(target or shutil.which(name))

    def add_rust(self):
        for name in ("cargo", "rustc", "cc", "as", "ld"):
            self.add(name)
        self.environment["CARGO_HOME"] = os.environ.get("CARGO_HOME", str(Path.home() / ".cargo"))
        if "CARGO_TARGET_DIR" in os.environ:
            self.environment["CARGO_TARGET_DIR"] = os.environ["CARGO_TARGET_DIR"]

    def add_script(self, name, text):
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.bin / name).chmod(0o755)

    def install(self, *arguments, **environment):
        done = subprocess.run(
            [self.script, *arguments], env={**self.environment, **environment}, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=590, check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def machine(tmp_path, repository):
    return Machine(tmp_path, repository)


@pytest.fixture
def with_rust(machine):
    machine.add_rust()
    return machine


@pytest.fixture
def checkout(tmp_path, repository):
    """install.sh in a folder of its own, so that its .venv is not this checkout's; nothing there can be built."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("install.sh", "Cargo.toml"):
        shutil.copy(repository / name, folder)
    return folder


def base_python():
    """The Python outside every environment."""
    return Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info[1]}"


def kernelspec(data):
    folder = data / "kernels/conclab"
    assert sorted(file.name for file in folder.iterdir()) == FILES
    return json.loads((folder / "kernel.json").read_text())


def test_installs_twice_and_uninstalls_in_a_prefix(with_rust, tmp_path):
    prefix = tmp_path / "a prefix"
    for _ in range(2):
        code, said, complaint = with_rust.install("--prefix", str(prefix))
        assert code == 0, complaint
        assert str(prefix) in said and "Ready." in said
        spec = kernelspec(prefix / "share/jupyter")
        assert spec["argv"] == [str(prefix / "bin/conclab"), "kernel", "-f", "{connection_file}"]
        assert os.access(spec["argv"][0], os.X_OK)
        assert (spec["display_name"], spec["language"], spec["interrupt_mode"]) == ("conclab", "toml", "message")
    assert sorted(file.name for file in (prefix / "bin").iterdir()) == ["conclab"]

    code, said, _ = with_rust.install("--uninstall", "--prefix", str(prefix))
    assert code == 0 and "Removed" in said
    assert [file for file in prefix.rglob("*") if file.is_file()] == []
    code, said, _ = with_rust.install("--uninstall", "--prefix", str(prefix))
    assert code == 0 and "Nothing to remove" in said


def test_a_relative_prefix_is_written_as_an_absolute_path(with_rust, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert with_rust.install("--prefix=here")[0] == 0
    assert kernelspec(tmp_path / "here/share/jupyter")["argv"][0] == str(tmp_path / "here/bin/conclab")


@pytest.mark.parametrize("arguments", [[], ["--user"]], ids=["by default", "--user"])
def test_installs_for_the_user_beside_a_jupyterlab_that_is_there(with_rust, arguments):
    if not arguments and (with_rust.script.parent / ".venv").exists():
        pytest.skip("this checkout has a .venv, which is preferred by default")
    with_rust.add("jupyter-lab", Path(sys.prefix) / "bin/jupyter-lab")
    code, said, complaint = with_rust.install(*arguments)
    assert code == 0, complaint
    assert "Installing JupyterLab" not in said
    spec = kernelspec(with_rust.home / ".local/share/jupyter")
    assert spec["argv"][0] == str(with_rust.home / ".local/bin/conclab")
    code, _, _ = with_rust.install("--uninstall", *arguments)
    assert code == 0
    assert [file for file in (with_rust.home / ".local").rglob("*") if file.is_file()] == []


def test_installs_into_the_active_environment(with_rust):
    # This Python's own environment: it has JupyterLab, and the kernel is there already, as run.sh put it.
    before = (Path(sys.prefix) / "share/jupyter/kernels/conclab/kernel.json").read_text()
    for arguments in ([], ["--sys-prefix"]):
        code, said, complaint = with_rust.install(*arguments, VIRTUAL_ENV=sys.prefix)
        assert code == 0, complaint
        assert "--lab" in said and "Installing JupyterLab" not in said
    assert (Path(sys.prefix) / "share/jupyter/kernels/conclab/kernel.json").read_text() == before


def test_another_kernel_of_that_name_stays(with_rust, tmp_path):
    folder = tmp_path / "p/share/jupyter/kernels/conclab"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text('{"argv": ["other"]}')
    for arguments in ([], ["--uninstall"]):
        code, _, complaint = with_rust.install(*arguments, "--prefix", str(tmp_path / "p"))
        assert code != 0 and "something else" in complaint
    assert (folder / "kernel.json").read_text() == '{"argv": ["other"]}'


def test_help_and_wrong_options(machine):
    code, said, _ = machine.install("--help")
    assert code == 0
    for option in ("--user", "--sys-prefix", "--prefix", "--lab", "--uninstall"):
        assert option in said
    for arguments, complaint in [
        (["--global"], "no option --global"), (["--prefix"], "--prefix needs a folder"), (["--user", "--sys-prefix"], "one place"),
        (["--", "--port", "1"], "add --lab"), (["--lab", "--uninstall"], "contradict"),
    ]:
        code, _, said = machine.install(*arguments)
        assert code == 2 and complaint in said


def assert_explained(result, *words):
    code, _, complaint = result
    assert code == 1, complaint
    for word in words:
        assert word in complaint, complaint
    # What a failing script says by itself.
    assert not re.search(r"unbound variable|command not found|line \d+:|Traceback", complaint), complaint


def test_without_rust(machine, tmp_path):
    assert_explained(machine.install("--prefix", str(tmp_path / "p")), "no cargo", "https://rustup.rs")


def test_with_a_rust_that_is_too_old(machine, tmp_path):
    machine.add_script("cargo", "echo 'cargo 1.70.0 (7fe40dc8c 2023-04-27)'")
    assert_explained(machine.install("--prefix", str(tmp_path / "p")), "this is 1.70.0", "rustup update stable")


def test_with_a_rust_that_does_not_start(machine, tmp_path):
    machine.add_script("cargo", "echo 'error: rustup could not choose a version of cargo to run' >&2; exit 1")
    assert_explained(machine.install("--prefix", str(tmp_path / "p")), "does not start", "rustup default stable")


def test_without_a_linker(with_rust, tmp_path):
    (with_rust.bin / "cc").unlink()
    result = with_rust.install("--prefix", str(tmp_path / "p"), CARGO_TARGET_DIR=str(tmp_path / "target"))
    code, _, complaint = result
    assert code == 1
    assert "no C linker" in complaint and "build-essential" in complaint


def test_without_python(with_rust, checkout):
    with_rust.script = checkout / "install.sh"
    assert_explained(with_rust.install(), "Python 3 is needed", "apt install python3")


def test_with_a_python_that_is_too_old(with_rust, checkout):
    with_rust.script = checkout / "install.sh"
    with_rust.add_script("python3", "echo 3.6")
    assert_explained(with_rust.install(), "3.9 or newer", "python3 is 3.6", "PYTHON=")


def test_with_a_python_that_cannot_make_environments(with_rust, checkout):
    """As Debian has it without the package python3-venv."""
    with_rust.script = checkout / "install.sh"
    with_rust.add_script("python3", f'case "$*" in *ensurepip*) exit 1 ;; esac; exec {base_python()} "$@"')
    assert_explained(with_rust.install(), "venv and ensurepip are missing", "apt install python3-venv")
    assert not (checkout / ".venv").exists()


def test_without_a_network(with_rust, checkout):
    with_rust.script = checkout / "install.sh"
    with_rust.add("python3", base_python())
    for _ in range(2):
        # Nothing listens on port 9: the answer comes at once.
        result = with_rust.install(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="0", PIP_CONFIG_FILE=os.devnull)
        assert result[0] == 1
        assert "could not be fetched" in result[2] and "HTTPS_PROXY" in result[2]


def test_something_in_the_way_of_the_environment(with_rust, checkout):
    with_rust.script = checkout / "install.sh"
    with_rust.add("python3", base_python())
    (checkout / ".venv").mkdir()
    (checkout / ".venv/precious").write_text("mine")
    assert_explained(with_rust.install(), "in the way")
    assert (checkout / ".venv/precious").read_text() == "mine"


def test_a_prefix_that_cannot_be_written(with_rust, tmp_path):
    (tmp_path / "file").write_text("")
    assert_explained(with_rust.install("--prefix", str(tmp_path / "file")), "may not write", "--user")


def test_lab_opens_the_notebooks_with_the_kernel(with_rust, tmp_path):
    environment = {**with_rust.environment, "VIRTUAL_ENV": sys.prefix}
    log = tmp_path / "lab.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [with_rust.script, "--lab", "--", "--no-browser", "--port=0", "--IdentityProvider.token=abc"],
            env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
        )
    try:
        end = time.monotonic() + 120
        url = None
        while url is None and time.monotonic() < end and process.poll() is None:
            url = re.search(r"(http://127\.0\.0\.1:\d+)/lab/tree/00-quick-start\.ipynb", log.read_text())
            time.sleep(0.1)
        assert url, log.read_text()

        def get(path):
            request = urllib.request.Request(f"{url[1]}/api/{path}", headers={"Authorization": "token abc"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)

        spec = get("kernelspecs")["kernelspecs"]["conclab"]
        assert spec["spec"]["argv"][0] == f"{sys.prefix}/bin/conclab"
        assert set(spec["resources"]) >= {"logo-svg", "logo-64x64", "logo-32x32"}
        assert "00-quick-start.ipynb" in [entry["name"] for entry in get("contents")["content"]]
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.parametrize("side", [32, 64])
def test_logos_are_the_size_they_say(side, repository):
    png = (repository / f"kernelspec/logo-{side}x{side}.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (side, side)


def test_scripts_have_no_complaints_from_shellcheck(repository):
    scripts = ["install.sh", "tests/run.sh", "tests/environment.sh", "tests/python314.sh", ".ci/run"]
    done = subprocess.run([Path(sys.prefix) / "bin/shellcheck", "-x", *scripts], cwd=repository, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stdout
