"""Programs whose text, or the shapes of one call, tell that they ask for too much; and what is said."""

from __future__ import annotations

AT_ONCE = {
    "torch.ones(10**6, 10**6)": "ones would make 1,000,000,000,000 cells; 33,554,432 are allowed",
    "x = torch.ones(1).expand(4000, 4000)\nx @ x": "matmul would need",
    "q, k, v = torch.ones(9000, 1), torch.ones(2, 3, 0), torch.ones(0, 3, 9000)\n"
    "F.scaled_dot_product_attention(q, k, v)": "scaled_dot_product_attention would make 81,000,000 cells",
    "torch.ones(1).expand(2**25).cumprod(0)": "cumprod of 33,554,432 cells would take too long",
    "torch.ones(10**6).split(1)": "split would give 1,000,000 tensors; 1,000 are allowed",
    "x = 1\nfor i in range(50): x = x * 10**9": "a whole number of more than 256 bits",
    "range(10**9)": "a range of 1,000,000,000 numbers",
    "[0] * 10**9": "a sequence of 1 × 1,000,000,000 items",
    "1" + "+1" * 24_000: "the program is too large",
    "x = " + "-" * 9_000 + "1": "nested too deeply",
    "a" + "\N{COMBINING ACUTE ACCENT}" * 20_000: "marks one behind another",
    "x = 1\ny = " + "9" * 5_000: "a whole number of more than 4,300 digits",
    "x = 1\nint('9' * 90_000)": "a whole number of more than 4,300 digits",
    "x = 1\ny = " + "-" * 90 + "x": "nested too deeply",
    "x = 1\ny = x" + " + x" * 3_000: "nested too deeply",
    "x" * 10**6: "the program has 1,000,000 characters; 50,000 are allowed",
}
