"""Write unseen texts for a person to make gold of the old labels from, in an hour.

Input: the base, and the raw texts that `rehearse` held out, with what the base finds.
Output: those in which it finds the most types, as files to import into Prodigy, doccano
and Label Studio: `prodigy.jsonl`, `doccano.jsonl` and `label_studio.json`. The
corrected export is `vars.old_test`.

    python -m scripts.extras.old_test training/base corpus/update/old_test \
        corpus/rehearse.json training/old-test
"""

from pathlib import Path
from typing import Annotated

import srsly
import typer
from spacy.tokens import Doc
from wasabi import msg

from scripts.command import run
from scripts.components import kind_of
from scripts.docs import read_docs
from scripts.extras.tasks import spans_of, write_tasks
from scripts.scale.pipelines import open_pipeline
from scripts.scale.raw import text_key


def main(
    base_dir: Annotated[Path, typer.Argument(help="The pipeline to update.")],
    docs_dir: Annotated[Path, typer.Argument(help="The raw texts held out.")],
    rehearse_path: Annotated[Path, typer.Argument(help="The account of rehearse.")],
    output_dir: Annotated[Path, typer.Argument(help="Folder for the files to import.")],
    component: Annotated[str, typer.Option(help="Pipe to update.")] = "ner",
    limit: Annotated[int, typer.Option(help="Largest number of texts.", min=1)] = 200,
) -> None:
    """Write unseen texts for a person to make gold of the old labels from."""
    if srsly.read_json(rehearse_path)["old_test_is_gold"]:
        raise ValueError(
            "vars.old_test is set already: there is gold of the old labels."
        )
    kind = kind_of(open_pipeline(base_dir), component)

    def rank(doc: Doc) -> tuple[int, int, str]:
        labels = [fact[-1] for fact in kind.facts(doc)]
        return -len({*labels}), -len(labels), text_key(doc.text)

    docs = sorted(read_docs(docs_dir), key=rank)[:limit]
    tasks = [(doc.text, spans_of(doc, kind.facts(doc), kind)) for doc in docs]
    n_spans = write_tasks(tasks, output_dir)
    msg.good(
        f"{output_dir}: {len(docs)} texts with {n_spans} annotations of the base to "
        "correct. Set vars.old_test to your tool's export of them."
    )


if __name__ == "__main__":
    run(main)
