# SPDX-License-Identifier: Apache-2.0
"""`sendpost graph`: a tree for people; Mermaid and dot that their readers take."""
import json
import re
import subprocess

import pytest

from harness.command import DONE, FAILED, USAGE, sendpost
from harness.paths import ROOT

FILE = """\
name: end
stages:
  - {name: extract, observe: etl/extract}
  - {name: render, run: mailing/render}
  - name: deliver
    on_failure: cancel
    max_concurrent: 2
    parallel:
      - {name: email, run: mailing/email, when: always}
      - name: push
        stages:
          - {name: prepare, run: mailing/prepare, blocked: true}
          - {name: send, run: mailing/send, allow_failure: true}
          - {name: late, run: mailing/late, needs: []}
  - {name: end, run: mailing/end, needs: [deliver/push, render], when: failure}
"""
TREE = """\
end
├─ extract        observe   etl/extract
├─ render         run       mailing/render   ← extract
├─ deliver        parallel                   ← render, on_failure cancel, max_concurrent 2
│  ├─ email       run       mailing/email    when always
│  └─ push        sequence
│     ├─ prepare  run       mailing/prepare  blocked
│     ├─ send     run       mailing/send     ← prepare, allow_failure
│     └─ late     run       mailing/late     ← the start
└─ end            run       mailing/end      ← deliver/push, render, when failure
"""
NASTY = 'a"b\\c#d<e>`{f}[g]|h;%%&/i\nj ü\\'
# One line of a flowchart: what the grammar of Mermaid takes for a node, a subgraph, its end or an edge.
MERMAID = re.compile(r'%% [a-z0-9-]+|flowchart TD| *n\d+\["[^"]*"\]| *subgraph n\d+\["[^"]*"\]| *end|  n\d+ (-->|-\.->) n\d+')


def graph(tmp_path, text, form="text"):
    file = tmp_path / "daily.yaml"
    file.write_text(text)
    result = sendpost("graph", file, "--format", form)
    assert (result.returncode, result.stderr) == (DONE, "")
    return result.stdout


def test_the_tree(tmp_path):
    assert graph(tmp_path, FILE) == TREE
    assert sendpost("graph", tmp_path / "daily.yaml").stdout == TREE


def labels_of(text: str) -> list[str]:
    """With Mermaid's escapes resolved."""
    return [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label) for label in re.findall(r'\["([^"]*)"\]', text)]


def test_mermaid(tmp_path):
    text = graph(tmp_path, FILE, "mermaid")
    lines = text.splitlines()
    assert all(MERMAID.fullmatch(line) for line in lines), text
    assert len([line for line in lines if line.strip().startswith("subgraph")]) == lines.count("  end") + lines.count("    end") == 2
    assert "  n0 --> n1" in lines and "  n1 --> n2" in lines and "  n4 -.-> n8" in lines and "  n1 -.-> n8" in lines
    assert "deliver<br/>parallel<br/>on_failure cancel<br/>max_concurrent 2" in labels_of(text)
    assert "prepare<br/>run mailing/prepare<br/>blocked" in labels_of(text)


def dot(text: str) -> dict:
    """What Graphviz makes of it."""
    result = subprocess.run(["dot", "-Tdot_json"], input=text, capture_output=True, text=True, timeout=30)
    assert (result.returncode, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_dot(tmp_path):
    drawn = dot(graph(tmp_path, FILE, "dot"))
    nodes = {one["_gvid"]: one for one in drawn["objects"]}
    names = {one["name"]: one for one in drawn["objects"]}
    assert drawn["name"] == "end"
    assert names["n0"]["label"] == "extract\\nobserve etl/extract"
    assert {nodes[number]["name"] for number in names["cluster_n4"]["nodes"]} == {"n5", "n6", "n7"}
    edges = {(nodes[edge["tail"]]["name"], nodes[edge["head"]]["name"]): edge for edge in drawn["edges"]}
    assert set(edges) == {("n0", "n1"), ("n1", "n3"), ("n5", "n6"), ("n7", "n8"), ("n1", "n8")}
    assert (edges["n1", "n3"]["lhead"], edges["n7", "n8"]["ltail"]) == ("cluster_n2", "cluster_n4")
    assert (edges["n1", "n8"]["style"], edges["n0", "n1"]["style"]) == ("dashed", "solid")


def test_names_are_escaped(tmp_path):
    text = f'name: daily\nstages:\n  - {{name: only, run: {json.dumps(NASTY)}}}\n'
    shown = NASTY.replace("\n", " ")
    assert shown in graph(tmp_path, text)
    mermaid = graph(tmp_path, text, "mermaid")
    assert all(MERMAID.fullmatch(line) for line in mermaid.splitlines()), mermaid
    assert labels_of(mermaid) == [f"only<br/>run {shown}"]
    drawn = subprocess.run(["dot", "-Tplain"], input=graph(tmp_path, text, "dot"), capture_output=True, text=True, timeout=30)
    label = re.search(r'^node n0 .*? "((?:[^"\\]|\\.)*)" ', drawn.stdout, re.M)
    assert label and re.sub(r"\\([\"\\])", r"\1", label[1]) == f"only\\nrun {shown}", drawn.stdout


@pytest.mark.parametrize("file", sorted((ROOT / "config" / "sendposts").glob("*.yaml")), ids=lambda file: file.stem)
@pytest.mark.parametrize("form", ["text", "mermaid", "dot"])
def test_the_examples(file, form):
    result = sendpost("graph", file, "--format", form)
    assert (result.returncode, result.stderr) == (DONE, "")
    if form == "dot":
        dot(result.stdout)


def test_what_cannot_be_drawn(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("name: daily\n")
    result = sendpost("graph", broken)
    assert (result.returncode, result.stdout) == (FAILED, "") and "broken.yaml:1:1: error: " in result.stderr
    result = sendpost("graph", tmp_path / "nothing.yaml")
    assert (result.returncode, result.stdout) == (FAILED, "") and result.stderr.startswith("sendpost: graph: ")
    assert sendpost("graph", broken, "--format", "nonsense").returncode == USAGE
    assert sendpost("graph").returncode == USAGE
