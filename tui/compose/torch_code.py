"""A program as torch code to run elsewhere."""

from __future__ import annotations

from tui.model.view import View


def torch_code(view: View) -> str:
    """Return imports, seed, controls and the program; of several devices, how each learns its rank."""
    program, ranks = view.program, view.at_stop.ranks
    imports = {
        "F.": "import torch.nn.functional as F",
        "nn.": "from torch import nn",
        "dist.": "import torch.distributed.nn.functional as dist",
    }
    head = ["import math"] if "math." in program else []
    head += ["import torch", *(line for sign, line in imports.items() if sign in program)]
    head += ["from torch import distributed"] if ranks else []
    head += ["", f"torch.manual_seed({view.seed})"]
    head += [f"{name} = {value!r}" for name, value in view.names.items() if not (ranks and name == "rank")]
    if ranks:
        head += [
            f"# torchrun --nproc-per-node {ranks}",
            "distributed.init_process_group('gloo')",
            "rank, ranks = distributed.get_rank(), distributed.get_world_size()",
        ]
    return "\n".join([*head, "", program, ""])
