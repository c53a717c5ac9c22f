//! Runs the author's own Python.

use super::{Argument, Misfit, Step};
use crate::describe::{Family, Quantity, StepDef};
use crate::program::{Code, Op};

/// The step's definition.
pub const STEP: Step = Step {
    def: StepDef {
        verb: "python",
        family: Family::Compute,
        quantity: Quantity::Code,
        range: (0, 0),
        summary: "runs your own Python function",
        doc: "Text that binds `task`, a function of the task's number (`def task(i)` or `async def task(i)`), \
              with its imports, helpers and globals, or a file: `{ file = \"work.py\", call = \"task\" }`, \
              relative to the notebook. It runs on a real CPython (`runtime = \"python\"`, the default \
              here) as a module of its own, which models with processes pickle as a script would. What \
              it returns is the answer that all models must agree on; `None` is not compared. Under `async` \
              an `async def` is awaited and a plain `def` keeps the event loop; other models run an \
              `async def` by `asyncio.run`. An exception fails its task, with the traceback as the reason. \
              For requests there is the loopback server that `http` talks to: \
              os.environ[\"CONCLAB_DELAY_SERVER\"] + \"/delay?time=50ms\" answers after that time (`&status=404` \
              and `&bytes=1000` say what). \
              Write the text between ''' and ''', where nothing needs to be escaped.",
        example: "{ python = '''def task(i): return sum(range(i * 1000))''' }",
        python: "your function, as it stands",
        settings: &[],
    },
    ops: |arguments| match &arguments.value {
        Argument::Code(code) => match missing_function(code) {
            None => Ok(vec![Op::Python { code: code.clone() }]),
            Some(misfit) => Err(misfit),
        },
        other => panic!("{other:?} is no code"),
    },
};

/// A complaint about text that can't bind `task`, because the word is not in it.
///
/// Whether it really does only an interpreter can tell.
fn missing_function(code: &Code) -> Option<Misfit> {
    let Code::Text { text, .. } = code else {
        return None;
    };
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    if text.split(|c| !is_part(c)).any(|word| word == "task") {
        return None;
    }
    if text.trim().ends_with(".py") && text.trim().lines().count() == 1 {
        return Some(Misfit {
            key: "python",
            message: "this is the name of a file, and text here is a program".to_owned(),
            help: format!(
                "write python = {{ file = \"{}\", call = \"task\" }}",
                text.trim()
            ),
        });
    }
    let defined = text.lines().find_map(|line| {
        let rest = line
            .strip_prefix("async def ")
            .or_else(|| line.strip_prefix("def "))?;
        rest.split(|c| !is_part(c)).find(|name| !name.is_empty())
    });
    Some(Misfit {
        key: "python",
        message: "this Python has no function `task`".to_owned(),
        help: match defined {
            Some(name) => format!(
                "each task is a call of task(i): rename `{name}`, or add a last line task = {name}"
            ),
            None => "each task is a call of task(i): write def task(i): … , where i is the task's number"
                .to_owned(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_must_speak_of_a_task() {
        let misfit = |text: &str| {
            missing_function(&Code::Text {
                text: text.to_owned(),
                line: 1,
                module: String::new(),
            })
        };
        assert_eq!(misfit("def task(i): pass"), None);
        assert_eq!(misfit("from work import crunch as task"), None);
        let named = misfit("import math\ndef tasks(i):\n    pass").unwrap();
        assert!(named.help.contains("task = tasks"), "{}", named.help);
        let file = misfit("work.py").unwrap();
        assert!(file.help.contains("{ file = \"work.py\""), "{}", file.help);
        assert!(misfit("print(1)").unwrap().help.contains("def task(i)"));
    }
}
