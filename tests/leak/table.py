#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""table.py: what run.sh measured -> a table and a verdict.

    table.py DIR [--tap] [--command=TEXT] [--commit=TEXT]

Reads DIR/COLUMN.tsv; writes DIR/table.tsv, .json and .md; prints a summary, or
with --tap a line a row. Exit 1 if a row is not as it should be:

- a vector that does not leak in the column "none" proves nothing;
- in the column "nfr" (or "unsteered", without it) nothing may leak or stray, no server outside may be reached,
  and all of a person's rows work;
- a row of open.txt is the exception, and a failure too once it is closed; one that
  leaks must be root's doing, and is shown as told where "nfload status" tells;
- a row that could not be measured has failed.
"""
import datetime
import json
import os
import platform
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS = {"none": "none (control)", "wgquick": "wg-quick",
           "postup": "wg-quick + kill switch", "nft": "nftables",
           "tc": "tc only", "nfr": "nfr", "watch": "nfr + watch",
           "unsteered": "nfr, --steer=off"}
FIELDS = ("row", "column", "kind", "who", "leaked", "stray", "served", "status",
          "tenths", "text")
COUNTS = "leaked", "stray", "served"


def read(folder):
    """-> {row: {column: measurement}}, in the order of the first column."""
    rows = {}
    for column in COLUMNS:
        path = os.path.join(folder, column + ".tsv")
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8") as f:
            for line in f:
                m = dict(zip(FIELDS, line.rstrip("\n").split("\t")))
                for key in COUNTS:
                    m[key] = int(m[key]) if m[key] else None
                rows.setdefault(m["row"], {})[column] = m
    return rows


def read_open():
    with open(os.path.join(HERE, "open.txt"), encoding="utf-8") as f:
        lines = [x.strip() for x in f if x.strip() and not x.startswith("#")]
    return dict(x.split(": ", 1) for x in lines)


def ours(measurements):
    return measurements.get("nfr") or measurements.get("unsteered")


def bad(measurements):
    """What is wrong with a row, as far as it was measured; None if nothing."""
    for column, m in measurements.items():
        if m["status"].startswith("error"):
            return "%s: %s" % (column, m["status"])
    control, nfr = measurements.get("none"), ours(measurements)
    if control and control["kind"] == "leak" and not control["leaked"]:
        return "proves nothing: the control does not leak"
    if not nfr:
        return None
    if nfr["kind"] == "work":
        return None if nfr["status"] == "works" else "does not work"
    wrong = ["%d %s" % (nfr[k], k) for k in COUNTS if nfr[k]]
    return "LEAK: " + ", ".join(wrong) if wrong else None


def is_root(m):
    return m["who"].startswith("root")


def is_told(m):
    return m["status"] == "told" and is_root(m)


def judge(rows, is_open):
    """-> (row, text, what is wrong or None, reason if it is known to be open)"""
    for row, measurements in rows.items():
        text = next(iter(measurements.values()))["text"]
        wrong, reason = bad(measurements), is_open.get(row)
        if reason and ours(measurements):
            if wrong is None:
                wrong, reason = "closed: take it off open.txt", None
            elif not wrong.startswith(("LEAK", "does not work")):
                reason = None
            elif wrong.startswith("LEAK") and not is_root(ours(measurements)):
                wrong, reason = wrong + ", and not by root", None
        else:
            reason = None
        yield row, text, wrong, reason


def cell(m, column):
    if m is None:
        return ""
    if m["leaked"] is None:
        return "?"
    if m["kind"] == "work":
        return "yes" if m["status"] == "works" else "**no**"
    is_ours = column in ("nfr", "watch", "unsteered")
    total = m["leaked"] + (m["stray"] if is_ours else 0)
    if not total or not is_ours:
        return str(total)
    return "%d *told*" % total if is_told(m) else "**%d**" % total


def markdown(rows, meta, is_open):
    columns = [c for c in COLUMNS if any(c in m for m in rows.values())]
    head = ["who"] + [COLUMNS[c] for c in columns]
    lines = ["Measured %(date)s on Linux %(kernel)s (%(machine)s), nfr %(commit)s, "
             "by `%(command)s`." % meta, ""]
    for kind, title in ("leak", "vector"), ("work", "what must work"):
        here = columns if kind == "leak" else columns[1:]
        head = [title, "who"] + [COLUMNS[c] for c in here]
        lines += ["| %s |" % " | ".join(head),
                  "| --- | --- |" + " ---: |" * len(here)]
        for row, measurements in rows.items():
            first = next(iter(measurements.values()))
            if first["kind"] == kind:
                cells = [cell(measurements.get(c), c) for c in here]
                lines.append("| %s | %s | %s |" % (first["text"], first["who"],
                                                   " | ".join(cells)))
        lines.append("")
    shown = [(row, reason) for row, reason in is_open.items() if row in rows]
    if shown:
        lines += ["Open:", ""]
        lines += ["- %s: %s" % (next(iter(rows[r].values()))["text"], reason)
                  for r, reason in shown]
        lines.append("")
    return "\n".join(lines)


def version():
    try:
        return subprocess.run(["git", "-C", HERE, "rev-parse", "--short", "HEAD"],
                              capture_output=True, text=True,
                              check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "of no known commit"


def write(folder, rows, meta, is_open):
    flat = [m for measurements in rows.values() for m in measurements.values()]
    with open(os.path.join(folder, "table.tsv"), "w", encoding="utf-8") as f:
        f.write("\t".join(FIELDS) + "\n")
        for m in flat:
            f.write("\t".join("" if m[k] is None else str(m[k])
                              for k in FIELDS) + "\n")
    with open(os.path.join(folder, "table.json"), "w", encoding="utf-8") as f:
        json.dump(dict(meta, rows=flat, open=is_open), f, indent=1)
        f.write("\n")
    with open(os.path.join(folder, "table.md"), "w", encoding="utf-8") as f:
        f.write(markdown(rows, meta, is_open))


def tap(verdicts):
    for i, (row, text, wrong, reason) in enumerate(verdicts, 1):
        passed = wrong is None or reason
        print("%s %d - %s: %s%s" % ("ok" if passed else "not ok", i, row, text,
                                    ": " + wrong if wrong else ""))
        if reason:
            print("# open: %s: %s" % (row, reason))
    print("1..%d" % len(verdicts))


def summary(verdicts, rows):
    for row, text, wrong, reason in verdicts:
        if wrong:
            print("%-16s %s: %s%s" % (row, text, wrong,
                                      " (open: %s)" % reason if reason else ""))
    leaking = {c: sum(1 for m in rows.values() if c in m and m[c]["leaked"])
               for c in COLUMNS}
    vectors = sum(1 for m in rows.values()
                  if next(iter(m.values()))["kind"] == "leak")
    for column, n in leaking.items():
        if any(column in m for m in rows.values()):
            print("%-24s leaks in %d of %d vectors" % (COLUMNS[column], n,
                                                       vectors))


def main(folder, *options):
    rows, is_open = read(folder), read_open()
    given = dict(o[2:].split("=", 1) for o in options if "=" in o)
    meta = {"date": datetime.date.today().isoformat(),
            "kernel": platform.release(), "machine": platform.machine(),
            "commit": given.get("commit") or version(),
            "command": given.get("command", "make leak")}
    verdicts = list(judge(rows, is_open))
    write(folder, rows, meta, is_open)
    if "--tap" in options:
        tap(verdicts)
    else:
        summary(verdicts, rows)
    return 1 if not verdicts or any(w and not r for *_, w, r in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
