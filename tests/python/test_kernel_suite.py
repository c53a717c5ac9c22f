"""jupyter_kernel_test, the Jupyter project's own suite, with every test that applies to this kernel.

What doesn't apply is switched off by name below, with the reason, so that nothing is skipped unseen.
"""

import cells
import jupyter_kernel_test


class TestConclab(jupyter_kernel_test.KernelTests):
    kernel_name = "conclab"
    language_name = "toml"
    file_extension = ".toml"

    complete_code_samples = [cells.SHOW, "%show version", "?sleep", cells.QUICK + "\n\n", ""]
    incomplete_code_samples = ["task = {", cells.QUICK, 'title = """two', 'models = ["threads",']
    invalid_code_samples = ["task == 1\n\n"]
    code_generate_error = cells.WRONG
    # What a defaults cell says is the one plain text.
    code_hello_world = 'models = [{ model = "threads", label = "hello, world" }]'
    # Of each sample every display must have the type: the progress line has no picture.
    code_display_data = [
        {"code": cells.QUICK, "mime": "text/html"},
        {"code": cells.QUICK, "mime": "text/plain"},
        {"code": cells.SHOW, "mime": "text/markdown"},
    ]
    # Only their texts are used, by the history's test.
    code_execute_result = [{"code": cells.SHOW}, {"code": cells.DEFAULTS}, {"code": 'show = "models"'}]
    code_history_pattern = "show = *vers*"
    supported_history_operations = ("tail", "range", "search")

    # A cell's answers are displays: an experiment has several, none of them its one result.
    test_execute_result = None
    # Nothing is said on stderr, and there is no pager.
    test_execute_stderr = test_pager = None
    # Progress is one display that is updated; nothing is ever cleared.
    test_clear_output = None
    completion_samples = [
        {"text": "ta", "matches": {"task = ", "tasks = "}},
        {"text": 'models = ["thr', "matches": {'threads"', 'thread-pool"'}},
        {"text": "theme = li", "matches": {'"light"'}},
        {"text": "?thread-p", "matches": {"thread-pool"}},
        {"text": "nothing = ", "matches": set()},
    ]
    code_inspect_sample = "tasks = 8"


class TestWelcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = "conclab"
    support_iopub_welcome = True
