# SPDX-License-Identifier: Apache-2.0
"""Checks the history of one key for linearizability: is there an order of all operations, each between its begin and its
end, in which every answer is what a single copy of the key would have answered? (Wing and Gong's search, with Lowe's memory
of what has been tried.)"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Operation:
    begin: int
    end: int
    kind: str            # "read", "create" (if absent), "change" (if it is `old`), "delete" (if it is `old`)
    old: object = None
    new: object = None
    answer: object = None  # read: the value or None; others: whether the condition held


def step(state, o):
    """(whether the answer fits the state, the state afterwards)"""
    if o.kind == "read":
        return o.answer == state, state
    held = state is None if o.kind == "create" else state is not None and state == o.old
    return o.answer == held, (None if o.kind == "delete" else o.new) if held else state


def is_linearizable(history, state=None):
    history = sorted(history, key=lambda o: o.begin)
    done, tried = 0, set()  # bits of operations; (done, state)
    everything = (1 << len(history)) - 1
    stack = []

    def candidates(done):
        """Those that may be next: begun before every one that is not done has ended."""
        first_end, out = None, []
        start = (~done & (done + 1)).bit_length() - 1  # the first that is not done
        for i in range(start, len(history)):
            if first_end is not None and history[i].begin > first_end:
                break
            if not done >> i & 1:
                out.append(i)
                first_end = history[i].end if first_end is None else min(first_end, history[i].end)
        return [i for i in out if history[i].begin <= first_end]

    if not history:
        return True
    stack.append((done, state, iter(candidates(done))))
    while stack:
        done, state, left = stack[-1]
        for i in left:
            fits, after = step(state, history[i])
            following = (done | 1 << i, after)
            if fits and following not in tried:
                tried.add(following)
                if following[0] == everything:
                    return True
                stack.append((*following, iter(candidates(following[0]))))
                break
        else:
            stack.pop()
    return False
