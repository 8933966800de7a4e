"""Programs that must be refused, by what they try."""

from __future__ import annotations

from pathlib import Path

from tests.engine.bombs import ENDLESS

_OBJECT = "class A:\n    def __init__(self): self.x = 1\n    def f(self): return 1\na = A()\n"
_MODULE = "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
_MODULE += "        self.w = nn.Linear(2, 2)\n"
_MODULE += "    def forward(self, x): return self.w(x)\nm = M()\n"
_ASKED = """
    __dict__ __mro__ __bases__ __subclasses__ __getattribute__ __reduce__ __module__ __weakref__ __setattr__
    __sizeof__ __func__ __code__ __globals__ __self__ members fields mro find put
"""
_UNASKED = """
    new del getattr getattribute setattr delattr get set set_name reduce reduce_ex torch_function array index
    class_getitem init_subclass instancecheck prepare copy deepcopy getstate setstate dir sizeof missing
    length_hint buffer
"""
_OF_MODULES = """
    _forward_hooks _non_persistent_buffers_set _call_impl _apply _version _wrapped_call_impl _get_name
    is_ready register_forward_hook register_full_backward_hook register_forward_pre_hook fields
    _register_state_dict_hook __call_impl __setstate__ __dir__ compile share_memory T_destination dump_patches
"""


def _method(name: str) -> str:
    return f"class A:\n    def {name}(self, *args): return 1"


OF_CLASSES = {
    "what an object has beside what the program put there": [
        *(_OBJECT + f"a.{name}" for name in _ASKED.split() if name != "__dict__"),  # its own names alone
        *(_OBJECT + f"A.{name}" for name in _ASKED.split()),
        *(_OBJECT + f"a.f.{name}" for name in _ASKED.split()),
        *(_MODULE + f"m.{name}" for name in _OF_MODULES.split()),
        *(_MODULE + f"m.{name} = 1" for name in _OF_MODULES.split() if name.startswith("_")),
        *(_MODULE + f"m.__{name}__" for name in ("dict", "repr", "setattr", "getattr", "mro")),
        *(_OBJECT + f"a.__class__.__{name}__" for name in ("mro", "bases", "dict", "class", "call", "new")),
        _OBJECT + "a.__class__ = A",
        _OBJECT + "a.__class__.__name__ = 'B'",
        _OBJECT + "A.__add__ = A.f",
        _OBJECT + "nn.Module.x = 1",
        _OBJECT + "nn.Linear.forward = A.f",
        _OBJECT + "object.x = 1",
        _OBJECT + "nn.Linear.forward(a, 1)",
        _OBJECT + "nn.Module.parameters(a)",
        _OBJECT + "nn.Module.__init__(a, 1)",
        _OBJECT + "float.__init__(a)",
        _OBJECT + "super().f",
        _OBJECT + "super(A, 1).f",
        _OBJECT + "super(float, 1.0).hex",
        "class A:\n    def f(self): return super().__getattribute__('x')\nA().f()",
        "class A:\n    def f(self): return super().f()\nA().f()",
        "class M(nn.Module):\n    def f(self): return super()._parameters\nM().f()",
    ],
    "classes that would be asked behind the interpreter's back": [
        *(_method(f"__{name}__") for name in _UNASKED.split()),
        "class A(metaclass=object): pass",
        "class A(object, x=1): pass",
        "class A(int): pass",
        "class A(torch.Tensor): pass",
        "class A(print): pass",
        "class A(5): pass",
        "class A(A): pass",
        "class A(object, object): pass",
        "class A:\n    __x = 1",
        "class __A: pass",
        "class A:\n    return 1",
        "for i in range(2):\n    class A:\n        break",
        "class A(nn.Module): pass\nA()(1)",
        "class A(nn.Module):\n    def __init__(self): self.w = nn.Linear(2, 2)\nA()",
        "class A(nn.Module):\n    def __init__(self): self.w = nn.Parameter(torch.ones(2))\nA()",
        "class A(nn.Linear): pass\nA(10**9, 10**9)",
        "class A(nn.Linear):\n    def __init__(self): super().__init__(10**6, 10**6)\nA()",
    ],
    "methods that never end, or give too much": [
        "class A:\n    def __repr__(self): return repr(self)\nprint(A())",
        "class A:\n    def __str__(self): return f'{self}'\nprint(A())",
        "class A:\n    def __eq__(self, o): return self == o\nA() == A()",
        "class A:\n    def __hash__(self): return hash(self)\n{A(): 1}",
        "class A:\n    def __hash__(self): return len({self: 1})\n{A(): 1}",
        "class A:\n    def __bool__(self): return not self\nnot A()",
        "class A:\n    def __add__(self, o): return self + o\nA() + 1",
        "class A:\n    def __call__(self): return self()\nA()()",
        "class A:\n    def __len__(self): return 10**30\nlen(A())",
        "class A:\n    def __len__(self): return -1\nlen(A())",
        "class A:\n    def __hash__(self): return 'x'\n{A(): 1}",
        "class A:\n    def __repr__(self): return 5\nprint(A())",
        "class A:\n    def __repr__(self): return 'x' * 20_000\nprint([A()] * 1000)",
        "class A:\n    def __getitem__(self, i): return i\nlist(A())",
        "class A:\n    def __getitem__(self, i): return i\nfor x in A(): pass",
        "class A:\n    def __iter__(self): return self\n    def __next__(self): return 1\nfor x in A(): pass",
        "class A:\n    def __iter__(self): return self\n    def __next__(self): return 1\nsum(A())",
        "class A:\n    def __iter__(self): return 5\nfor x in A(): pass",
        "class A:\n    @property\n    def x(self): return self.x\nA().x",
        "class M(nn.Module):\n    def forward(self, x): return self(x)\nM()(1)",
        "class M(nn.Module):\n    def extra_repr(self): return 'x' * 5000\nprint(M())",
        "class M(nn.Module):\n    def extra_repr(self): return repr(self)\nprint(M())",
        "class M(nn.Module):\n    def forward(self, x): return torch.zeros(10**9)\nM()(1)",
        "class M(nn.Module):\n    def extra_repr(self): return str(torch.zeros(10**9).sum())\nprint(M())",
        "class A:\n    def __repr__(self): return str(torch.zeros(10**9).sum())\nprint([A()])",
        "class A:\n    def __iter__(self): return [torch.zeros(10**9)]\nnn.ModuleList(A())",
        _MODULE + "m.me = m",
        _MODULE + "n = nn.Sequential(m)\nm.n = n",
        _MODULE + "m.add_module('me', m)",
        _MODULE + "n = nn.ModuleDict({'m': m})\nm.n = n",
        _MODULE + "for i in range(20):\n    n = M()\n    n.a = m\n    n.b = m\n    m = n",
        _MODULE + "m.add_module('__torch_function__', nn.ReLU())",
        _MODULE + "m.register_buffer('__array__', torch.ones(2))",
        _MODULE + "m.register_parameter('\\x1b[2J', nn.Parameter(torch.ones(2)))",
        _MODULE + "m.register_buffer('x' * 1000, torch.ones(2))",
        "nn.ModuleDict({'__len__': nn.ReLU()})",
        "nn.ModuleDict({'\\x1b[2J': nn.ReLU()})",
        "A = object\nfor i in range(10_000):\n    class A(A): pass",
    ],
    "objects that torch would take for lists": [
        *(
            "class A:\n    def __len__(self): return 10**9\n    def __getitem__(self, i): return 0\n"
            f"a, x = A(), torch.ones(3)\n{line}"
            for line in (
                *("x[a]", "x[[a]]", "x[0, a]", "x[a] = 1", "x[0] = a", "x + a", "a + x", "x += a", "x == a"),
                *("a @ x", "x ** a", "x < a", "torch.tensor(a)", "torch.zeros(a)", "torch.stack(a)"),
                *("torch.add(x, a)", "x.view(a)", "x.sum(a)", "x.add(a)", "torch.tensor([a])", "a in x"),
                *(
                    "nn.Linear(a, 2)",
                    "nn.Sequential(a)",
                    "nn.Parameter(a)",
                    "x.to(a)",
                    "x[a:2]",
                    "x[:, [[a]]]",
                ),
            )
        ),
    ],
}
ATTACKS = {  # by subject; a line of dashes parts them
    path.stem: path.read_text(encoding="utf-8").removesuffix("\n").split("\n----\n")
    for path in sorted((Path(__file__).parent / "attacks").glob("*.txt"))
}
REFUSED = {
    **ATTACKS,
    **ENDLESS,
    **OF_CLASSES,
    "dunder and private attributes": [
        "().__class__.__bases__",
        "torch.ones(2).__class__.__base__",
        "torch._C",
        "torch.__builtins__",
        "x = torch.ones(2); x._version",
        "__name__ = 5",
        "print(__file__)",
        "nn.Linear(2, 3)._forward_hooks",
        "def f(__x): return 1",
    ],
    "look-alike letters": [
        "ｔｏｒｃｈ.ones(2)",
        "𝐱 = 1",
        "𝚡 = 𝚡",
        "ｅval('1')",
        "tоrch.ones(2)",  # a Cyrillic о
        "torch.оnes(2)",
        "ﬁ = 1",
        "__ｉmport__('os')",
    ],
    "quoting": [
        "eval('1')",
        "'''a''' '__import__'()",
        '"a"("b")',
        "f'{eval(1)}'",
        "'torch.load'('x')",
        "torch['load']",
    ],
    "formatting": [
        "'{.__class__}'.format(1)",
        "'%1000000000d' % 5",
        "f'{torch.ones(2).__class__.__base__}'",
        "f'{(1).__class__.__base__}'",
        "f'{1:>1000000}'",
        "f'{1.5:.999999999f}'",
        "f\"{1:{'9' * 30}}\"",
        "print(torch.ones)",
        "f'{print}'",
        "x = torch.ones(2)\nprint([x.sum])",
    ],
    "syntax that is no part of the language": [
        "await x",
        "yield 1",
        "x = yield from y",
        "raise ValueError",
        "del x",
        "while True: pass",
        "with x: pass",
        "with open('x') as f: pass",
        "with open('x'): pass",
        "with torch.ones(2): pass",
        "with torch.no_grad(), print(): pass",
        "torch.no_grad()(print)",
        "@print()\ndef f(): pass",
        "@torch.relu\ndef f(): pass",
        "async def f(): pass",
        "@print\ndef f(): pass",
        "import os",
        "import os; os.system('ls')",
        "x = 1\nimport sys",
        "from os import system",
        "from torch import save",
        "import torch.hub",
        "from . import x",
        "b'bytes'",
        "1j",
        "return 1",
        "break",
    ],
    "characters that can't be seen": [
        "x = 1\0",
        "x = '\0'",
        "x = 1\x1b[31m",
        "# \x1b]52;c;aGk=\x07",
        "x = '\u202e'",
        "x\u200b = 1",
        "# \u2066",
        "x = 1\u2028y = 2",
        "x = '\x9b31m'",
        "x = '\ufeff'",
        "x = '\ud800'",
    ],
    "indices and sizes": [
        "torch.ones(2)[10**30]",
        "torch.ones(2)[5]",
        "torch.ones(-1)",
        "torch.ones(2, -3)",
        "torch.ones(2**62, 2**62)",
        "torch.ones(" + "1," * 65 + ")",
        "torch.ones(3)[:, 1]",
        "torch.ones(3)[::-1]",
        "torch.ones(3)[::0]",
        "torch.ones(3)['a']",
        "torch.tensor(2**63)",
        "torch.tensor(10**30)",
        "torch.ones(2).sum(dim=10**20)",
        "torch.ones(2).size(10)",
        "torch.ones(2, 3).view(-1, -1)",
        "torch.ones(2, 3).reshape(4)",
        "torch.manual_seed(10**30)",
        "{1: 2}[3]",
        "(1, 2)['a']",
        "a, b = torch.ones(3)",
        "a, b = torch.tensor(5)",
        "a, b = 5",
    ],
    "division by zero": [
        "1 / 0",
        "1 // 0",
        "1 % 0",
        "torch.tensor(5) // 0",
        "torch.tensor(5) % 0",
        "0 ** -1",
    ],
    "files, devices and what lies outside": [
        "open('/etc/passwd')",
        "torch.load('x')",
        "torch.save(torch.ones(2), 'x')",
        "torch.from_file('x')",
        "torch.hub.load('x')",
        "torch.jit.load('x')",
        "torch.ops.aten.add",
        "torch.classes.load_library('x')",
        "torch.serialization.load('x')",
        "torch.compile(1)(2)",
        "torch.UntypedStorage.from_file('x')",
        "torch.ones(2, requires_grad=True).numpy()",
        "torch.ones(2).tofile('x')",
        "torch.ones(2).share_memory_()",
        "torch.ones(2).cuda()",
        "torch.ones(2).to('cuda')",
        "torch.ones(2).to('meta')",
        "torch.ones(2, device='meta')",
        "nn.Linear(2, 3, device='meta')",
        "getattr(torch, 'save')",
        "vars(torch)",
        "globals()",
        "compile('1', '', 'exec')",
        "input()",
        "breakpoint()",
        "print('x', file=1)",
    ],
    "what a module holds, by its tables": [
        _MODULE + "m._modules['x'] = m",
        _MODULE + "m._modules['x'] = 3",
        _MODULE + "m._modules['_modules'] = nn.ReLU()",
        _MODULE + "m._parameters['x'] = torch.ones(2)",
        _MODULE + "m._buffers['x'] = 3",
        _MODULE + "m._modules.clear()",
        _MODULE + "m._parameters.update(x=3)",
        _MODULE + "del m._modules['x']",
        "m = nn.Sequential(nn.ReLU())\nm[0] = m",
        "m = nn.Sequential(nn.ReLU())\nm[0] = 3",
        "m = nn.ModuleDict()\nm['_modules'] = nn.ReLU()",
        "class S(nn.Sequential):\n    pass\nm = S(nn.ReLU())\nm[0] = nn.Sequential(m)",
    ],
    "in-place methods and out=": [
        "torch.ones(2).apply_(abs)",
        "torch.ones(2).set_(torch.ones(3))",
        "torch.ones(2).resize_(10**12)",
        "torch.add(torch.ones(2), 1, out=torch)",
        "torch.ones(2, out=[torch.ones(2)])",
        "torch.ones(2).map_(torch.ones(2), abs)",
        "torch.ones(2).resize_as_(torch.ones(9))",
        "torch.backends.cudnn.foo = 1",
        "torch.backends.cuda = 1",
        "torch.Generator().foo = 1",
        "torch.Generator().seed()",
        "torch.Generator().__class__.__base__",
        "torch.ones(2, pin_memory=True)",
        "torch.randn(2, generator=1)",
        "x = torch.ones(2)\nx.foo = 1",
        "x = torch.ones(2)\nx.data = torch.ones(3)",
        "x = torch.ones(2)\nx.data = 1",
        "x = torch.ones(2)\nx.grad = torch.ones(3)",
        "x = torch.ones(2)\nx.grad = 1",
        "l = nn.Linear(2, 2)\nl.forward = print",
        "l = nn.Linear(2, 2)\nl.weight = torch.ones(2, 2)",
        "l = nn.Linear(2, 2)\nl.training = 1",
    ],
}

# What asks for too much, at once or little by little.
BOMBS = (
    *[program for programs in ENDLESS.values() for program in programs],
    *REFUSED["indices and sizes"],
)
