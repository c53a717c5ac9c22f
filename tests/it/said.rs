//! What the author's own Python says: tracebacks with the cell's line numbers, and what it prints.

use crate::answers::answer;
use serde_json::Value;

#[test]
fn tracebacks_and_prints_are_told_in_full_once_for_all_rows_that_say_the_same() {
    let (code, report) = answer(
        "tasks = 3\nrepeat = 1\nmodels = [\"sequential\", \"async\"]\ntask = { python = '''\nimport sys\n\
         def task(i):\n    sys.stdout.write(f'hello from {i}\\n')\n    return 10 // (i - 1)\n''' }",
    );
    assert_eq!(code, 0, "{report:#}");
    let said = report["said"].as_array().unwrap();
    let [failed, printed] = said.as_slice() else {
        panic!("{said:#?}");
    };
    for told in [failed, printed] {
        assert_eq!(told["labels"], Value::from(vec!["sequential", "async"]));
    }
    let text = failed["text"].as_str().unwrap();
    assert!(
        text.starts_with("Traceback") && text.contains("File \"cell\", line 8, in task"),
        "{text}"
    );
    assert!(!text.contains("conclab"), "frames of the harness: {text}");
    assert_eq!(printed["text"], "hello from 0\nhello from 1\nhello from 2");
    for row in report["rows"].as_array().unwrap() {
        assert_eq!(row["tasks"]["failed"], 1, "{row:#}");
        let notes = row["notes"].to_string();
        assert!(
            notes.contains("a task failed: ZeroDivisionError") && !notes.contains("Traceback"),
            "{notes}"
        );
    }
}
