"""Where the worker finds its tasks and leaves its answers, in the directory of a change. Values only."""

TASKS, ANSWERS = "tasks.json", "answers.jsonl"
