"""Programs of loops, branches, functions and lists, drawn at random: what a rehearsal has to follow."""

from __future__ import annotations

from hypothesis import strategies as st

KNOWN = ["n > 2", "k == 1", "len(xs) % 2 == 0", "n in (1, 3)", "x.shape[0] == 3 and k < 2", "not n"]
KNOWN += ["j <= i", "i > {n}", "i - j != k", "n < i + 1 <= 4", "-j >= -2 * i"]
KNOWN += ["i % 2", "(i + {n}) % 3 == 1", "j in (0, 2, 5)", "not j % 4", "abs(i - j) > 2", "i != j != c"]
KNOWN += ["on", "t == 'b'", "c % 3 == 1", "on and i % 2 == c % 2", "q > 1", "min(i, c) in [n, 3]"]
UNKNOWN = [
    *("x.sum() > 0", "x[0, 0].item() < 0.3", "x.mean() < y.mean() and n", "(y > 0).any()"),
    *("int(x.sum()) % 2", "x.dtype == torch.float32", "x.is_contiguous()", "y.tolist()[0][0] < 0.5 or k"),
]
TENSORS = [
    *("x", "y", "x + {n}", "x * y", "x @ y * 0.1", "y.T", "x.sum(0, keepdim=True).expand(3, 3)", "-x"),
    *("torch.ones(3, 3)", "f(x)", "f(y, 2)", "g(x, n)", "xs[-1]", "torch.cat([x, y])[:3]", "xs[k % len(xs)]"),
    *("torch.stack([x, y]).sum(0)", "torch.softmax(x, -1) + k", "x if n > 1 else y", "sum(xs) * 0.1"),
    *("torch.tensor(n) * y", "layer(x)", "d['a'] + 1", "x.tril().masked_fill(x == 0, 0.5)"),
    *(
        "x[torch.tensor([0, 2, 1])]",
        "torch.max(x, y)",
        "nn.Linear(3, 3)(x)",
        "x.max(0, keepdim=True).values + y",
    ),
]
OPEN = [
    "x[x[0] > 0].sum(0) + y",
    "x[y[0].argsort()]",
    "y[:, :int(x.abs().sum()) % 3].sum() + x",
    "torch.where(x > 0, x, y)",
]
WHOLE = ["{n}", "n + 1", "len(xs)", "min(n, 2)", "k * 2", "abs(n - k)", "x.shape[0]", "sum([n, k])"]
ITEMS = [  # with what they are bound to
    *(("range({n})", "i"), ("range(n)", "j"), ("range({n})", "n"), ("[n, k, 2]", "k"), ("[x, y]", "z")),
    *(("enumerate(range(k))", "n, i"), ("zip(xs, range(9))", "z, j"), ("enumerate(xs)", "i, z"), ("xs", "z")),
    *(("x", "z"), ("range({n} * 9)", "i"), ("zip(range({n}), range(9))", "i, k")),
    *(("range(i)", "j"), ("range(j)", "i"), ("range(i)", "k"), ("range(i, {n} + 4)", "j"), ("range(k)", "z")),
    *(("[i + n for i in range({n} * 4)]", "k"), ("[(a, i) for i, a in enumerate(xs)]", "z, i")),
    *(("['a', 'b', 'c', 'b']", "t"), ("[(1, True), (0, False), (2, True)]", "n, on"), ("[0.5, 1.5]", "q")),
    *(("[(i % 3, 'ab'[i % 2]) for i in range({n} * 3)]", "k, t"), ("range({n} * 5)", "c"), ("'abab'", "t")),
    *(("range(n - k, 6, 2)", "j"), ("range(len(xs) - {n})", "k"), ("range(i * {n})", "j")),
    *(("range(i // 2, i + 2)", "j"), ("range(5 - i)", "j"), ("range(-i % 4)", "j"), ("range(n * n)", "i")),
]
COUNTING = [
    *("c += 1", "on = not on", "c = (c + 1) % 3", "c = c + i % 2", "q = q * 0.5 + i", "c = i * {n} - c"),
    *("t = 'b' if {c} else t", "c -= 1 if {c} else 2", "k = [0, 2, 1][i % 3]", "k = {0: 1, 1: 3}[j % 2]"),
    *("k = max(i, j) % 3", "k = int(q) % 3", "c, j = j % 7, c % 7", "t, on = 'ab'[i % 2], i > {n}"),
    "x = xs[c % len(xs)] * 0.5",
]
WRITES = [
    *("{t}[i % 3][{n} % 3] = c", "w[:1][0] = n", "{t}.T[{n} % 3] = {t}[0]", "w = x[1:]", "y += x[0]"),
    *("{t}[:, 1:].contiguous()[0] = c", "xs[-1][0] = n", "w.expand_as(w)[0] = n", "x.view(9)[{n}] = n"),
    *("e = w[:1, :1].expand(3, 3); e[0, 0] = c; w = e @ x", "x.reshape(-1)[{n}] = 1", "{t} = {t}.T"),
    *("for z in xs: z[0] = n", "{t}[i % 2 :] = {n}", "{t}[[0, 2]] = {e}[:2]", "w.split(1)[0][0] = n"),
]
SIMPLE = [
    *WRITES,
    *COUNTING,
    *(
        "w = torch.cat([w, x])",
        "w = w[1:]",
        "w = w * n",
        "w = torch.relu(w - {n})",
        "w = w @ x",
        "x = x + w.sum(0)",
    ),
    *(
        "w += 1",
        "w = w.float()",
        "w = -w.T.T",
        "w = torch.stack([w, w])[0]",
        "w = x if {c} else w",
        "x = x * w.mean()",
    ),
    *("{t} = {e}", "{t} = {e}", "n = ({w}) % 5", "k = ({w}) % 3", "{t} += {e}", "n += 1; n %= 5"),
    *("xs.append({e}); xs = xs[-3:]", "xs.append({e})", "x, y = y, {e}", "{t}[{n} % 3] = n", "d['a'] = {e}"),
    *("print({e}, n, f'{k} {x.shape}')", "xs = [a + {n} for a in xs if {c}] + [x]", "xs += [{e}]"),
    *("n = len([j for i in range({n} * 5) for j in range(i)]) % 5", "i, j = j % 7, {n}", "i = i + j % 3"),
    *("j = sum([i for i in range(k, n) if {c}]) % 4", "xs = [a + j for j in range(i) for a in xs[:j]] + [y]"),
    *("xs = [{e} for i in range(n + {n})] + [y]", "xs = xs[-3:] + [a + 1 for a in xs[-3:]]"),
    *(
        "ps = [(a, i + n) for i, a in enumerate(xs)]; xs = [a * i for a, i in ps] + [x]; k = ps[-1][1] % 5",
        "k = len([(i, j) for i in range(n) for j in range({n} * 4) if j != {n}]) % 5",
        "x = x + torch.stack([a[:3, :3] * i for i, a in enumerate(xs)]).sum(0)",
        "n = [i * 2 for i in range({n} + 1)][-1] % 5",
        "j = sorted([i % 3 for i in range(n + 1)])[0]",
        "zs = [[i] for i in range(n + 1)]; zs[0].append({n}); k = len(zs[-1])",
        "zs = [a for a in xs]; zs.append(y); xs = zs if {c} else xs",
    ),
    *("k = len([a for a in range(n) if {c}]) % 3", "zs = xs; zs.append(y)", "xs = list(xs)[:{n} + 1]"),
]
GRADIENTS = [
    *("x = x @ v * 0.1", "y = y * v", "w = w @ v", "x = layer(x * v)", "xs = [x @ v] + xs[:2]"),
    *("xs.append(v)", "x = back(x)", "back(sum(xs))", "y = v if {c} else y", "x, v = v, x"),
    *("v = v.detach().requires_grad_()", "v = torch.ones(3, 3, requires_grad=True)"),
    *("v = torch.softmax(v @ v, -1)", "v.requires_grad_({n} > 1)", "y = y.detach() + v"),
    *("(x @ v).sum().backward(retain_graph=True)", "(y * v).mean().backward(retain_graph=True)"),
    *("(w @ x).sum().backward(retain_graph=True)", "layer(w).sum().backward(retain_graph=True)"),
    "(y @ x).sum().backward(v, retain_graph=True)",
    "F.cross_entropy(x @ v, torch.arange(3)).backward(retain_graph=True)",
    *("layer.requires_grad_({n} > 0)", "v.requires_grad = {c}", "x = (x @ v).amax(0, keepdim=True) + y"),
]


@st.composite
def flows(draw: st.DrawFn, known: bool, gradients: bool = False) -> str:
    """Draws a program over x and y (3, 3), whole numbers n and k, and a list xs of matrices.

    Which way it goes may hang on cells, unless it is to be `known` before its run. With gradients it goes
    back from some of its tensors.
    """
    conditions = KNOWN if known else KNOWN + UNKNOWN
    wholes = WHOLE if known else [*WHOLE, "int(y.sum())", "int(x.argmax())"]
    tensors = TENSORS if known else TENSORS + OPEN
    numbers = st.integers(0, 4)

    def of(forms: list[str]) -> str:
        return draw(st.sampled_from(forms)).replace("{n}", str(draw(numbers)))

    def simple() -> str:
        going_back = gradients and draw(st.booleans())
        line = of(GRADIENTS if going_back else SIMPLE).replace("{t}", draw(st.sampled_from(["x", "y"])))
        line = line.replace("{e}", of(tensors)).replace("{c}", of(conditions))
        return line.replace("{w}", of(wholes)).replace("{n}", str(draw(numbers)))

    def block(depth: int, loop: bool, function: bool) -> list[str]:
        count = draw(st.integers(1, 3))
        lines = [line for _ in range(count) for line in statement(depth, loop, function)]
        return ["    " + line for line in lines]

    def statement(depth: int, loop: bool, function: bool) -> list[str]:
        kind = draw(st.integers(0, 7)) if depth else 7
        other = draw(numbers) == 0
        if kind <= 2:
            items, target = draw(st.sampled_from(ITEMS))
            head = [f"for {target} in {items.replace('{n}', str(draw(numbers)))}:"]
            head += block(depth - 1, True, function)
            return head + (["else:", *block(depth - 1, loop, function)] if other else [])
        if kind <= 4:
            head = [f"if {of(conditions)}:", *block(depth - 1, loop, function)]
            return head + (["else:", *block(depth - 1, loop, function)] if other else [])
        if kind == 5 and loop:
            return [f"if {of(conditions)}:", "    " + draw(st.sampled_from(["break", "continue"]))]
        if kind == 6 and function:
            return [f"if {of(conditions)}:", f"    return {of(tensors)}"]
        if gradients and depth and draw(numbers) == 0:
            return ["with torch.no_grad():", *block(depth - 1, loop, function)]
        return [simple()]

    inside = block(2, False, True)
    return "\n".join(
        [
            "x, y, n, k, i, j = torch.randn(3, 3), torch.rand(3, 3), 2, 1, 3, 2",
            "xs, d, layer, w = [x, y], {'a': x}, nn.Linear(3, 3), torch.ones(2, 3)",
            "v = torch.randn(3, 3, requires_grad=True)",
            "c, on, t, q = 0, True, 'a', 1.5",
            "def back(a):",
            "    (a @ v).sum().backward(retain_graph=True)",
            "    return a * 0.9",
            "def g(a, b):",
            "    if b <= 0: return a",
            "    return g(a + 1, b - 1) * 0.5",
            "def f(x, n=1, k=2, y=y, xs=[x], d={'a': x}, w=w, i=i, j=j):",
            *[line.replace("f(x)", "x").replace("f(y, 2)", "y") for line in inside],
            "    return x",
            *[line[4:] for _ in range(3) for line in block(3, False, False)],
        ]
    )
