"""Write the steps of a workflow as the stages of a DVC pipeline.

`spacy project dvc` does that with a command of DVC 2, `dvc run`, and what it writes
calls a command that weasel does not have. Here DVC itself reads the vars, from
`project.yml`: a stage runs again after a change of a file, a flag or a var of its own.

    python -m scripts.extras.dvc project.yml dvc.yaml --workflow update
"""

from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from wasabi import msg

from scripts.command import run
from scripts.files import written_whole

# What a command of project.yml calls its outputs, and how DVC keeps them.
OUTPUTS = {"outputs": {}, "outputs_no_cache": {"cache": False}}


def to_stage(command: dict[str, Any], before: list[str]) -> dict[str, Any]:
    """Convert a command of project.yml to a stage.

    Args:
        command: The command, with its vars as they are written.
        before: What the step before it writes.
    """
    deps = [*command.get("deps", [])]
    made = tuple(f"{path}/" for path in before)
    if before and not any(f"{dep}/".startswith(made) for dep in deps):
        # Weasel runs the steps in their order, and DVC in that of their files.
        deps.append(before[0])
    # DVC would remove what a step is to write, and with it what is half done.
    outs = [
        {path: {"persist": True, **how}}
        for key, how in OUTPUTS.items()
        for path in command.get(key, [])
    ]
    stage = {"cmd": command["script"], "deps": deps, "outs": outs}
    return stage | ({"always_changed": True} if command.get("no_skip") else {})


def main(
    project_path: Annotated[Path, typer.Argument(help="The project.yml.")],
    output_path: Annotated[Path, typer.Argument(help="The dvc.yaml beside it.")],
    workflow: Annotated[str, typer.Option(help="Workflow of project.yml.")] = "update",
) -> None:
    """Write the steps of a workflow as the stages of a DVC pipeline."""
    project = srsly.read_yaml(project_path)
    if workflow not in project["workflows"]:
        names = ", ".join(project["workflows"])
        raise ValueError(
            f"{project_path} has no workflow '{workflow}': use one of {names}."
        )
    commands = {command["name"]: command for command in project["commands"]}
    stages, before = {}, []
    for name in project["workflows"][workflow]:
        stages[name] = to_stage(commands[name], before)
        before = [path for key in OUTPUTS for path in commands[name].get(key, [])]
    with written_whole(output_path) as part:
        srsly.write_yaml(part, {"vars": [project_path.name], "stages": stages})
    msg.good(f"{output_path}: {', '.join(stages)}. Run them: dvc repro")


if __name__ == "__main__":
    run(main)
