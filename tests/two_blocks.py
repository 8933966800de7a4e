"""A language model of two blocks, with norms, positions and two heads, as a lesson with a large map."""

from __future__ import annotations

from dataclasses import replace

from llm_linalg.lessons.reader import parse

_TEXT = """\
+++
title = "Two blocks"
seed = 205
[controls.d_model]
range = [8, 256]
default = 8
step = 8
[controls.seq_len]
range = [1, 64]
default = 4
[axes]
tokens = ["token"]
logits = ["token", "word"]
[labels]
token = "text"
word = "words"
[boxes]
embed = { lesson = "embedding", words = "a row of a table, for each token" }
block = { lesson = "block", words = "attention, then an MLP, each added to what came in" }
attention = { lesson = "attention", words = "the only place where tokens meet" }
norm = { lesson = "layernorm", words = "each row to mean 0 and variance 1" }
+++
## Its bars
The chance of each word to come next.

```python show="next_word" look="bars"
words = ["the", "cat", "saw", "dog", "ran"]
ids = [[0, 1, 2, 0, 3, 4][k % 6] for k in range(seq_len)]
text = [words[k] for k in ids]
T, C = seq_len, d_model
table, places = nn.Embedding(5, C), nn.Embedding(T, C)

def embed(tokens):
    return table(tokens) + places.weight

def norm(x):
    return F.layer_norm(x, [C])

def head(n):
    Q, K, V = [nn.Linear(C, C // 2, bias=False)(n) for w in "QKV"]
    S = Q @ K.T / (C // 2) ** 0.5
    future = torch.ones(T, T).triu(1) == 1
    P = torch.softmax(S.masked_fill(future, -math.inf), dim=-1)
    return P @ V

def attention(n):
    both = torch.cat([head(n), head(n)], dim=-1)
    return nn.Linear(C, C)(both)

def mlp(n):
    return nn.Linear(4 * C, C)(F.gelu(nn.Linear(C, 4 * C)(n)))

def block(x):
    x = x + attention(norm(x))
    return x + mlp(norm(x))

def chances(logits):
    return torch.softmax(logits[-1], dim=-1)

tokens = torch.tensor(ids)
x = embed(tokens)
x = block(block(x))
logits = norm(x) @ table.weight.T
next_word = chances(logits)
```

## Its map
All of it.

```python map show="logits"
```
"""
TWO_BLOCKS = replace(parse(_TEXT, "two-blocks.md"), is_own=True)
