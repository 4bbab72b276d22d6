#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""stack.py OBJECT...: chains of calls of eBPF objects -> TAP.

Linux refuses a chain whose frames, each rounded up to 32 bytes, are more than 512
(newer kernels round less). Frames are what the code stores below r10; a chain is
what llvm-objdump's relocations call, callbacks of bpf_loop() too. Of a tail call out
of a function there may be less than 256 above it.
"""
import re
import subprocess
import sys

LIMIT, ROUND, TAIL_LIMIT = 512, 32, 256
FUNCTION = re.compile(r"([0-9a-f]+) <(\w+)>:")
SECTION = re.compile(r"Disassembly of section (.*):")
SLOT = re.compile(r"\(r10 ([+-]) (-?0x[0-9a-f]+|-?\d+)\)")
FRAME = re.compile(r"\b(r\d) = r10$")
BELOW = re.compile(r"\b(r\d) \+= (-(?:0x[0-9a-f]+|\d+))")
CALL = re.compile(r"call (-?0x[0-9a-f]+|-?\d+)")
ADDRESS = re.compile(r"= (0x[0-9a-f]+|\d+) ll")  # of a callback
RELOC = re.compile(r"R_BPF_64_(?:32|64)\s+(\S+)")
TAIL = re.compile(r"\bcall (?:0xc|12)$")


def read(path):
    """-> ({function: bytes}, {function: functions it calls}, functions that end in
    a tail call)"""
    text = subprocess.run(["llvm-objdump", "-d", "-r", "--no-show-raw-insn", path],
                          check=True, capture_output=True, text=True).stdout
    depth, asked, starts, tails = {}, {}, {}, set()
    name = section = last = ""
    frames = set()
    for line in text.splitlines():
        if m := SECTION.match(line):
            section = m[1]
        elif m := FUNCTION.match(line):
            if m[2].startswith("LBB"):
                continue
            name = m[2]
            depth[name], asked[name] = 0, []
            starts[section, int(m[1], 16) // 8] = name
            frames = set()
        elif m := RELOC.search(line):
            asked[name].append((m[1], last))
        elif name:
            if TAIL.search(line):
                tails.add(name)
            if m := FRAME.search(line):
                frames.add(m[1])
            below = [abs(int(m[2], 0)) for m in SLOT.finditer(line)]
            below += [-int(m[2], 0) for m in BELOW.finditer(line)
                      if m[1] in frames]
            depth[name] = max([depth[name]] + below)
            last = line
    calls = {}
    for name, targets in asked.items():
        found = set()
        for target, line in targets:
            call, address = CALL.search(line), ADDRESS.search(line)
            at = None
            if call:
                at = starts.get((target, int(call[1], 0) + 1))
            elif address:
                at = starts.get((target, int(address[1], 0) // 8))
            if target in depth or at:
                found.add(at or target)
        calls[name] = found
    return depth, calls, tails


def deepest(depth, calls, name, above=()):
    """-> (bytes, functions) of the worst chain from here."""
    own = -(-max(depth[name], 1) // ROUND) * ROUND
    below = max((deepest(depth, calls, x, above + (name,))
                 for x in calls[name] if x not in above), default=(0, ()))
    return own + below[0], (name,) + below[1]


def above(depth, calls, name, seen=()):
    """-> bytes of the worst chain that leads to it."""
    return max((above(depth, calls, x, seen + (name,)) +
                -(-max(depth[x], 1) // ROUND) * ROUND
                for x in calls if name in calls[x] and x not in seen), default=0)


def main(paths):
    count = failed = 0
    for path in paths:
        depth, calls, tails = read(path)
        roots = set(depth) - set().union(*calls.values())
        for root in sorted(roots):
            total, chain = deepest(depth, calls, root)
            count += 1
            is_good = total <= LIMIT and depth[root] > 0
            failed += not is_good
            print("%s %d - %s, %s: %d bytes of stack" %
                  ("ok" if is_good else "not ok", count,
                   path.rsplit("/", 1)[-1], root, total))
            if not is_good:
                print("# " + " + ".join("%s %d" % (x, depth[x]) for x in chain))
        for name in sorted(tails - roots):
            total = above(depth, calls, name)
            count += 1
            failed += total >= TAIL_LIMIT
            print("%s %d - %s, %s: %d bytes above its tail call" %
                  ("ok" if total < TAIL_LIMIT else "not ok", count,
                   path.rsplit("/", 1)[-1], name, total))
    print("1..%d" % count)
    return failed != 0 or not count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
