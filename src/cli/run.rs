//! `conclab run FILE.toml [--json] [--out DIR]`: the same answer in the terminal.

use super::output::{complain, print, print_line};
use super::{WRONG, broken, usage};
use crate::analysis::{CheckResult, Report};
use crate::diagnostic::{self, Diagnostic};
use crate::experiment::Experiment;
use crate::lab::{self, Answer, Event, Failure, Interrupter, Lab, Options, Progress};
use crate::plot;
use crate::process::Stop;
use crate::render;
use crate::spec::{self, Cell, Session};
use crate::trial::Outcome;
use anyhow::Context;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

/// Exit code where the experiment itself came out badly.
const FAILED: u8 = 1;

struct Arguments {
    file: PathBuf,
    json: bool,
    out: Option<PathBuf>,
}

/// Runs one cell from a file.
pub fn main(arguments: &[String]) -> ExitCode {
    let arguments = match read_arguments(arguments) {
        Ok(arguments) => arguments,
        Err(message) => return usage(&message),
    };
    run(&arguments).unwrap_or_else(|error| broken(&error))
}

fn read_arguments(arguments: &[String]) -> Result<Arguments, String> {
    const USAGE: &str = "usage: conclab run FILE.toml [--json] [--out DIR]";
    let (mut file, mut json, mut out) = (None, false, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--json" => json = true,
            "--out" => out = Some(rest.next().ok_or("--out needs a folder")?.into()),
            flag if flag.starts_with("--") => {
                return Err(format!("run has no option {flag}; {USAGE}"));
            }
            path if file.is_none() => file = Some(path.into()),
            extra => {
                return Err(format!(
                    "one file at a time, and `{extra}` is a second; {USAGE}"
                ));
            }
        }
    }
    Ok(Arguments {
        file: file.ok_or(USAGE)?,
        json,
        out,
    })
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let cell = match arguments.file.as_os_str() == "-" {
        true => {
            let mut text = String::new();
            io::stdin()
                .read_to_string(&mut text)
                .context("reading the cell from standard input")?;
            text
        }
        false => fs::read_to_string(&arguments.file)
            .with_context(|| format!("reading the cell from {}", arguments.file.display()))?,
    };
    let (parsed, diagnostics) = spec::read(&cell, &Session::default());
    if !diagnostics.is_empty() {
        return wrong_cell(&cell, &diagnostics, arguments.json);
    }
    let executable = env::current_exe().context("finding conclab's own executable")?;
    let mut lab = Lab::new(Options {
        executable,
        static_output: false,
    });
    let interrupter = lab.interrupter();
    let stop = interrupter.stop();
    interrupt_on_ctrl_c(interrupter)?;
    match parsed {
        Some(Cell::Experiment(experiment)) => {
            let mut tell = |event| {
                if let Event::Progress(progress) = event {
                    show_progress(&progress);
                }
            };
            let answered = match lab.race(*experiment, &stop, &mut tell) {
                Ok(answered) => answered,
                Err(Failure::Cell(problems)) => {
                    return wrong_cell(&cell, &problems, arguments.json);
                }
                Err(Failure::Environment(message)) => return Err(anyhow::Error::msg(message)),
            };
            print_report(&answered.report, arguments.json)?;
            // What an interrupt has left is saved; a second one ends this process.
            let stop = lab.interrupter().stop();
            if let Some(folder) = &arguments.out {
                save(&answered.experiment, &answered.report, folder, &stop)
                    .with_context(|| format!("writing the answer to {}", folder.display()))?;
            }
            if let Some(path) = &answered.experiment.save {
                lab::save(&answered, path, &stop).map_err(anyhow::Error::msg)?;
            }
            Ok(exit_code(&answered.report))
        }
        _ if arguments.json => Ok(usage(
            "--json is for experiments: this cell has no `task`, so nothing was run",
        )),
        _ => answer_text(&mut lab, &cell),
    }
}

/// Tells what is wrong with a cell.
fn wrong_cell(cell: &str, problems: &[Diagnostic], json: bool) -> anyhow::Result<ExitCode> {
    if json {
        print_line(render::wrong_cell_json(cell, problems))?;
    } else {
        let headline = diagnostic::headline(problems.len());
        let rendered = diagnostic::render(cell, problems);
        complain(format_args!("{headline}\n\n{rendered}"));
    }
    Ok(ExitCode::from(WRONG))
}

/// A cell that runs nothing (`show`, `help`, defaults), as text.
fn answer_text(lab: &mut Lab, cell: &str) -> anyhow::Result<ExitCode> {
    let stop = lab.interrupter().stop();
    let mut text = String::new();
    let answer = lab.run_cell(cell, &stop, &mut |event| match event {
        Event::Output(bundle) => {
            let plain = bundle.data.get("text/plain");
            text.push_str(plain.and_then(|text| text.as_str()).unwrap_or(""));
            text.push('\n');
        }
        Event::Text(more) => text.push_str(&more),
        Event::Progress(_) => {}
    });
    print(text)?;
    Ok(match answer {
        Answer::Ok => ExitCode::SUCCESS,
        Answer::Interrupted => ExitCode::from(FAILED),
        Answer::Error { value, .. } => usage(&value),
    })
}

fn print_report(report: &Report, json: bool) -> io::Result<()> {
    let text = if json {
        render::json(report)
    } else {
        render::terminal(report)
    };
    print_line(text.trim_end())
}

/// One line of progress on a terminal, rewritten in place; nothing where errors go to a file.
fn show_progress(progress: &Progress) {
    if !io::stderr().is_terminal() {
        return;
    }
    let line = format!("[{}/{}] {}", progress.done, progress.total, progress.label);
    let end = if progress.finished { "\n" } else { "" };
    complain(format_args!("\r\u{1b}[K{line}{end}"));
}

/// Everything of an answer as files: `report.json`, `answer.txt`, `table.md`, `trace.json` where there is a
/// trace, and each figure as SVG and PNG, with its zoomable view where it has one.
fn save(
    experiment: &Experiment,
    report: &Report,
    folder: &Path,
    stop: &Stop,
) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let write = |name: &str, bytes: &[u8]| {
        lab::replace_file(&folder.join(name), stop, &|out| out.write_all(bytes))
    };
    write("report.json", render::json(report).as_bytes())?;
    write("answer.txt", render::terminal(report).as_bytes())?;
    write("table.md", render::table_markdown(report).as_bytes())?;
    // Where the answer tells what each worker did.
    if !lab::has_no_trace(report) {
        lab::save_trace(report, &folder.join("trace.json"), stop)?;
    }
    let draw = match experiment.zoom {
        true => plot::draw_zoomable,
        false => plot::draw,
    };
    for (number, drawing) in draw(report, &experiment.plots, experiment.theme)
        .iter()
        .enumerate()
    {
        let name = format!("figure-{}", number + 1);
        write(&format!("{name}.svg"), drawing.svg.as_bytes())?;
        let png = render::png::png(drawing, 2.0).map_err(anyhow::Error::msg)?;
        write(&format!("{name}.png"), &png)?;
        if let Some(zoomable) = &drawing.zoomable {
            write(&format!("{name}.vl.json"), zoomable.to_string().as_bytes())?;
        }
    }
    Ok(())
}

fn exit_code(report: &Report) -> ExitCode {
    let bad_row = report.rows.iter().any(|row| {
        row.agrees == Some(false)
            || matches!(
                row.outcome,
                Outcome::Timeout | Outcome::Memory | Outcome::Crashed | Outcome::Failed
            )
    });
    let failed_check = report
        .checks
        .iter()
        .any(|check| check.result == CheckResult::Failed);
    match bad_row || failed_check || report.interrupted {
        true => ExitCode::from(FAILED),
        false => ExitCode::SUCCESS,
    }
}

/// Ctrl-C ends the experiment, shows what was measured and leaves; a second one leaves at once.
fn interrupt_on_ctrl_c(interrupter: Interrupter) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    std::thread::Builder::new()
        .name("ctrl-c".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                for first in [true, false] {
                    if tokio::signal::ctrl_c().await.is_err() {
                        return;
                    }
                    if first {
                        interrupter.interrupt();
                    } else {
                        std::process::exit(FAILED.into());
                    }
                }
            });
        })?;
    Ok(())
}
