"""Calls of the functions of mathematics, each written out: names of operations, and forms of their calls.

The names stand for inputs: `x y z` any numbers, `p q` positive ones, `u` some between -1 and 1, `o` some
above 1, `i j` whole numbers, `v w` vectors, `a b` matrices, `s` a symmetric one, `t` a lower triangle,
`B C` batches of matrices, `m` a mask, `k g` places, `c` complex numbers, `A W e` tokens, the matrices of
three experts, and where the tokens of each end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.ops import randomness
from tests.ops.drawing import Sample, values

_SYMMETRIC = values((3, 3), 7)
INPUTS: dict[str, Tensor] = {
    "x": values((2, 3), 1),
    "y": values((2, 3), 2),
    "z": values((3,), 3),
    "p": values((2, 3), 4).abs() + 0.1,
    "q": values((2, 1), 5).abs() + 0.1,
    "u": values((2, 3), 6).tanh() * 0.9,
    "o": values((2, 3), 7).abs() + 1.1,
    "i": torch.tensor([[4, -7, 9], [6, 1, -3]]),
    "j": torch.tensor([[3, 2, 6], [1, 5, 2]]),
    "v": values((3,), 8),
    "w": values((2,), 9),
    "a": values((3, 3), 10),
    "b": values((3, 2), 11),
    "s": _SYMMETRIC @ _SYMMETRIC.T + torch.eye(3, dtype=torch.float64),
    "t": values((3, 3), 12).tril() + 2 * torch.eye(3, dtype=torch.float64),
    "B": values((2, 2, 3), 13),
    "C": values((2, 3, 2), 14),
    "m": values((2, 3), 15, torch.bool),
    "k": torch.tensor([1, 0]),
    "c": torch.complex(values((2, 3), 16), values((2, 3), 17)),
    "g": torch.tensor([[0, 1, 1]]),
    "A": values((4, 4), 18, torch.float32),
    "W": values((3, 4, 4), 19, torch.float32),
    "e": torch.tensor([1, 1, 4], dtype=torch.int32),
}
CALLS = """
init_kaiming_uniform: init.kaiming_uniform_(x.clone())
acos: torch.acos(u) | u.arccos()
asin atanh tan erfinv: torch.{0}(u)
atan: torch.arctan(x)
acosh: torch.acosh(o)
asinh cosh char short flipud cfloat cdouble: x.{0}()
sinh deg2rad rad2deg i0 frac signbit isneginf isposinf isreal sgn msort corrcoef fliplr: torch.{0}(x)
atleast_3d cumulative_trapezoid: torch.{0}(x)
conj: torch.conj(c)
resolve_conj: torch.resolve_conj(c.conj())
resolve_neg: torch.resolve_neg(c.conj().imag)
sinc erfc: torch.{0}(x) | torch.special.{0}(x)
atan2: torch.atan2(x, y) | torch.arctan2(x, z)
hypot logaddexp copysign fmax block_diag broadcast_tensors: torch.{0}(x, z)
logaddexp2 ldexp fmin dist complex: torch.{0}(x, y)
xlogy: torch.xlogy(x, p) | torch.special.xlogy(x, p)
xlog1py: torch.special.xlog1py(x, p)
entr bessel_y0 bessel_y1 modified_bessel_k0 modified_bessel_k1: torch.special.{0}(p)
scaled_modified_bessel_k0 scaled_modified_bessel_k1 spherical_bessel_j0: torch.special.{0}(p)
logit: torch.logit(p / 9, eps=0.1) | torch.logit(u.abs())
float_power: torch.float_power(p, y) | p.float_power(2)
digamma: torch.digamma(p) | torch.special.psi(p)
lgamma: torch.lgamma(p) | torch.special.gammaln(p)
erfcx ndtr log_ndtr i0e i1 i1e airy_ai bessel_j0 bessel_j1 modified_bessel_i0: torch.special.{0}(x)
modified_bessel_i1: torch.special.{0}(x)
ndtri: torch.special.ndtri(u.abs())
nan_to_num: torch.nan_to_num(x, nan=2.0)
fmod: torch.fmod(x, p) | torch.fmod(i, j) | x.fmod(0.7)
heaviside nextafter: torch.{0}(x.detach(), z.detach())
gcd lcm: torch.{0}(i, j)
isin: torch.isin(i, j) | torch.isin(x, z) | torch.isin(x, 2.0)
clamp_min: x.clamp_min(0.1) | torch.clamp_min(x, z)
clamp_max: x.clamp_max(0.1)
lerp: torch.lerp(x, y, 0.3) | x.lerp(y, p)
addcmul: torch.addcmul(x, y, z, value=2) | x.addcmul(y, z)
addcdiv: torch.addcdiv(x, y, p, value=2)
relu6: F.relu6(3 * x)
hardtanh: F.hardtanh(x, -0.5, 0.5)
hardsigmoid hardswish mish softsign tanhshrink softshrink: F.{0}(x)
selu: F.selu(x) | torch.selu(x)
celu: F.celu(x, 2.0)
hardshrink: F.hardshrink(x, 0.4) | x.hardshrink()
threshold: F.threshold(x, 0.1, 20)
byte: p.byte()
nansum: torch.nansum(x, 1) | x.nansum()
nanmean: x.nanmean(0, keepdim=True)
count_nonzero: torch.count_nonzero(i, 0) | i.count_nonzero()
median: x.median() | torch.median(x, 1)
nanmedian: torch.nanmedian(x, dim=0)
mode cummax logcumsumexp: torch.{0}(x, 1)
kthvalue: torch.kthvalue(x, 2) | x.kthvalue(1, 0)
aminmax: torch.aminmax(x, dim=1) | x.aminmax()
var_mean: torch.var_mean(x, 1) | torch.var_mean(x, dim=0, correction=0)
std_mean: torch.std_mean(x, dim=1, keepdim=True)
quantile: torch.quantile(x, 0.4, dim=1) | x.quantile(0.5)
nanquantile: torch.nanquantile(x, 0.25, dim=0)
cummin: x.cummin(0)
unique: torch.unique(i) | i.unique(return_counts=True, return_inverse=True)
unique_consecutive: torch.unique_consecutive(i)
bincount: torch.bincount(k) | k.bincount(w, minlength=4)
histc: torch.histc(x, bins=4)
histogram: torch.histogram(x, 4)
argwhere nonzero: torch.{0}(m) | x.clamp(min=0).{0}()
nonzero: torch.where(m) | torch.where(x[0] > 0)
multinomial: torch.multinomial(p, 2) | torch.multinomial(z.abs(), 4, replacement=True)
searchsorted: torch.searchsorted(z.sort()[0], x) | torch.searchsorted(x.sort()[0], y)
bucketize: torch.bucketize(x, z.sort()[0])
cov: torch.cov(x) | x.cov(correction=0)
H: x.H
mH: B.mH
adjoint: torch.adjoint(B)
ravel: x.T.ravel() | torch.ravel(x)
view_as reshape_as: x.{0}(b)
narrow_copy: torch.narrow_copy(x, 1, 1, 2)
rot90: torch.rot90(x) | x.rot90(2, (0, 1))
atleast_1d: torch.atleast_1d(x.sum()) | torch.atleast_1d(x.sum(), z)
atleast_2d: torch.atleast_2d(z)
column_stack: torch.column_stack((w, x))
dstack: torch.dstack([x, y])
meshgrid: torch.meshgrid(v, w, indexing="ij") | torch.meshgrid([v, w], indexing="xy")
cartesian_prod: torch.cartesian_prod(v, w)
tensor_split: torch.tensor_split(x, 2, 1) | x.tensor_split(indices=(1, 2), dim=1) | x.tensor_split(sections=3)
hsplit: torch.hsplit(x, 3)
vsplit: x.vsplit(2)
dsplit: torch.dsplit(B, 3)
split_with_sizes: x.split_with_sizes((1, 2), 1)
diagflat: torch.diagflat(w, 1)
take: torch.take(x, torch.tensor([[0, 5], [2, 2]]))
masked_select: torch.masked_select(x, m) | x.masked_select(z > 0)
masked_scatter: x.masked_scatter(m, y)
diagonal_scatter: torch.diagonal_scatter(x, w)
select_scatter: torch.select_scatter(x, z, 0, 1)
slice_scatter: torch.slice_scatter(x, y[:, :2], 1, 1)
index_copy: x.index_copy(0, k, y)
pixel_shuffle: F.pixel_shuffle(x.reshape(6, 1, 1)[:4], 2)
pixel_unshuffle: F.pixel_unshuffle(x.reshape(1, 6, 1)[:, :2].expand(1, 2, 2), 2)
channel_shuffle: F.channel_shuffle(x.reshape(1, 6, 1, 1), 2)
im2col: F.unfold(a.reshape(1, 1, 3, 3), 2) | F.unfold(B.reshape(2, 1, 2, 3), (1, 2), 1, (1, 0), (2, 1))
col2im: F.fold(a.reshape(1, 3, 3)[:, :2], (1, 4), (1, 2)) | F.fold(b.repeat(1, 2)[:2].T, 3, (1, 2), stride=2)
interpolate: F.interpolate(a[None, None], size=(2, 5), mode="bilinear") | F.interpolate(B, 4, mode="linear")
interpolate: F.interpolate(B, 4, mode="linear", align_corners=True) | F.interpolate(B, 2, mode="area")
interpolate: F.interpolate(B[:1], None, 1.7, "linear") | F.interpolate(B[:1], None, 0.7, "linear")
interpolate: F.interpolate(b[None, None], (4, 1), mode="bicubic")
interpolate: F.interpolate(x[:1, :2].view(1, 1, 2, 1, 1), (3, 1, 2), mode="trilinear")
interpolate: F.interpolate(b[None, None], scale_factor=(2, 1.5), mode="bicubic", align_corners=True)
dropout: (torch.manual_seed(1), F.dropout(x, 0.4))[1] | (torch.manual_seed(2), torch.dropout(x, 0.5, True))[1]
addmm: torch.addmm(x, y, a)
addmv: torch.addmv(w, x, v) | w.addmv(x, v, alpha=3)
addr: torch.addr(x, w, v) | torch.addr(x, w, v, beta=0.5) | torch.addr(x, w, v, alpha=-1, beta=0)
baddbmm: torch.baddbmm(y[:, :2].expand(2, 2, 2), B, C) | torch.baddbmm(B, B, B.mT @ B, beta=0, alpha=0.125)
baddbmm: torch.baddbmm(y[:, :2], B, C, beta=0.5, alpha=2)
addbmm: torch.addbmm(y[:, :2], B, C) | torch.addbmm(y[:, :2], B, C, beta=2, alpha=0)
inner: torch.inner(x, y) | torch.inner(v, z) | torch.inner(B, v)
vdot: torch.vdot(v, z) | torch.vdot(c[0], c[1])
vecdot: torch.linalg.vecdot(x, y) | torch.linalg.vecdot(x, z, dim=-1) | torch.linalg.vecdot(c, c.flip(0))
vecdot: torch.linalg.vecdot(x[:, :1, None], a[:, :1], dim=-3)
tensordot: torch.tensordot(x, a, 1) | torch.tensordot(x, B, dims=([0, 1], [0, 2]))
tensordot: torch.tensordot(v, w, 0) | torch.tensordot(v[:, None], x.T, 1)
det slogdet: torch.{0}(a) | torch.linalg.{0}(s)
logdet: torch.logdet(s)
inverse: torch.inverse(a) | torch.linalg.inv(s) | a.inverse()
lu_factor eig eigvals: torch.linalg.{0}(a)
pinv: torch.pinverse(b) | torch.linalg.pinv(x)
svd: torch.linalg.svd(x, full_matrices=False) | torch.svd(s)
svdvals matrix_rank: torch.linalg.{0}(x)
eigh eigvalsh cholesky_ex: torch.linalg.{0}(s)
qr: torch.linalg.qr(b) | torch.linalg.qr(a, "complete")
cholesky: torch.linalg.cholesky(s) | torch.linalg.cholesky(s, upper=True)
cholesky_inverse: torch.cholesky_inverse(t)
cholesky_solve: torch.cholesky_solve(b, t)
lu: torch.linalg.lu(a) | torch.linalg.lu(v[:, None])
solve: torch.linalg.solve(a, b) | torch.linalg.solve(a, v)
solve_triangular: torch.linalg.solve_triangular(t, b, upper=False)
lstsq: torch.linalg.lstsq(b, a) | torch.linalg.lstsq(x.reshape(1, 6), x.reshape(1, 6))
cond: torch.linalg.cond(a) | torch.linalg.cond(s, 1)
matrix_norm: torch.linalg.matrix_norm(x) | torch.linalg.matrix_norm(x, "nuc")
matrix_norm: torch.linalg.matrix_norm(B) | torch.linalg.matrix_norm(B, dim=(0, 2), keepdim=True)
matrix_power: torch.linalg.matrix_power(a, 3) | torch.matrix_power(s, -2)
matrix_exp: torch.linalg.matrix_exp(a) | torch.matrix_exp(s)
multi_dot: torch.linalg.multi_dot([x, a, b])
as_strided_scatter: torch.as_strided_scatter(v, w, (2,), (1,), 1)
fractional_max_pool2d: F.fractional_max_pool2d(B, 2, 1, _random_samples=u[None, :, :2].detach().abs())
fractional_max_pool3d: F.fractional_max_pool3d(B[None], 1, 1, _random_samples=u[None, :1].detach().abs())
diff: torch.diff(x) | x.diff(2, dim=-1)
gradient: torch.gradient(x, spacing=1.0)
trapezoid: torch.trapezoid(x) | torch.trapezoid(x, y)
trapz: torch.trapz(x, dx=2.0)
cosine_similarity: F.cosine_similarity(x, y) | F.cosine_similarity(v, a, dim=-1)
cosine_similarity: torch.cosine_similarity(B, z, dim=2) | F.cosine_similarity(x, y * 0)
trace: torch.trace(x) | a.trace()
kron: torch.kron(x, w) | torch.kron(v, B)
sum_to_size: x.sum_to_size(1, 3) | B.sum_to_size(2, 1)
cdist: torch.cdist(x, y) | torch.cdist(x, a, p=1)
pairwise_distance: F.pairwise_distance(x, y)
grid_sample: F.grid_sample(B[None], torch.stack([u, u], -1)[None], align_corners=False)
cross: torch.cross(x, y, dim=1) | torch.linalg.cross(x, y)
vander: torch.vander(v) | torch.linalg.vander(v, N=2)
pack_padded_sequence: torch._pack_padded_sequence(B.mT, torch.tensor([3, 2]), True)
pad_packed_sequence: torch._pad_packed_sequence(b, torch.tensor([2, 1]), False, 0.5, 3)
grouped_mm: F.grouped_mm(A, W, offs=e) | F.grouped_mm(W, A.mT, offs=e) | F.grouped_mm(A.mT, A, offs=e)
grouped_mm: F.grouped_mm(W, W)
prelu: F.prelu(x, w[:1]) | F.prelu(B, w)
instance_norm: F.instance_norm(B) | F.instance_norm(B[:1], w.detach() * 0, w.detach().abs(), w, w, False)
instance_norm: F.instance_norm(C, eps=0.1)
weight_norm: torch._weight_norm(x, q) | torch._weight_norm(B, C[:1, :1, :1].abs(), -1)
weight_norm: torch._weight_norm(x, y[:1], 1)
running_mean running_var: F.batch_norm(x, x.new_zeros(3), x.new_ones(3), training=True, momentum=0.3)
running_mean running_item_var: F.instance_norm(B, B.new_ones(2), B.new_full((2,), 2), momentum=0.3)
running_mean running_var: F.batch_norm(B, B.new_ones(2), B.new_full((2,), 2), training=True)
glu: F.glu(B.reshape(3, 4))
softmin: F.softmin(x, dim=1)
index_add: x.index_add(0, k, y) | torch.index_add(x, 0, k, y, alpha=2)
index_fill: x.index_fill(0, k[:1], 2.0)
scatter_reduce: x.scatter_reduce(0, g, y, "sum") | x.scatter_reduce(1, g, y[:1], "amax")
scatter_reduce: x.scatter_reduce(1, g, y, "mean", include_self=False) | x.scatter_reduce(1, g, y, "prod")
index_reduce: x.index_reduce(0, k, y, "amin")
index_reduce: torch.index_reduce(x, 1, k, b.T[:, :2], "mean", include_self=False)
as_strided: x.as_strided((2, 2), (1, 2)) | torch.as_strided(x, (2,), (3,), 1)
polar: torch.polar(p, x) | torch.polar(abs=p, angle=x)
complex: torch.complex(real=x, imag=y)
real: torch.real(c) | (torch.complex(x, y) * torch.complex(y, x)).real
imag conj_physical view_as_real: torch.{0}(c)
angle: torch.angle(c) | torch.angle(x)
view_as_complex: torch.view_as_complex(B[..., :2].contiguous())
fft hfft fft2 fftn: torch.fft.{0}(x) | torch.fft.{0}(c)
ifft irfft: torch.fft.{0}(c, 4) | torch.fft.{0}(c, dim=0, norm="ortho")
rfft ihfft rfft2 rfftn: torch.fft.{0}(x)
ifft2 irfft2 ifftn irfftn: torch.fft.{0}(c, (3, 2))
fftshift ifftshift: torch.fft.{0}(x) | torch.fft.{0}(c, 1)
new_zeros: x.new_zeros(2, 3)
new_ones: x.new_ones((2,))
new_empty: x.new_empty((0, 3))
new_full: x.new_full((2, 2), 3.5)
full: torch.full((2, 3), 1.5) | torch.full((2, 3), w.detach().sum()) | torch.full((), x.detach()[0, 0])
tensor: torch.tensor([[1, 2], [3, 4]]) | torch.tensor(1.5) | torch.tensor(x)
tensor: torch.tensor([[x[0, 1], 2.5, w.sum()], [0.5, x[0, 1], x.max()]]) | torch.tensor([])
new_tensor: x.new_tensor([[1, 2], [3, 4]]) | x[:1, 0].new_tensor(a)
as_tensor: torch.as_tensor([[1, 2], [3, 4]]) | torch.as_tensor([w.sum(), 2.5], dtype=torch.float64)
new_tensor: a.new_tensor([1, x[1, 1], w[:1]]) | x[0].new_tensor(w[0])
randint_like: torch.randint_like(x, 5) | torch.randint_like(x, 1, 5)
logspace: torch.logspace(0, 2, 5)
tril_indices: torch.tril_indices(3, 4) | torch.tril_indices(3, 3, -1)
triu_indices: torch.triu_indices(3, 4, 1) | torch.triu_indices(4, 2, -2)
hann_window bartlett_window: torch.{0}(5)
blackman_window: torch.blackman_window(4, False)
hamming_window kaiser_window: torch.{0}(4)
normal: torch.normal(x, p) | torch.normal(0.0, p)
bernoulli: torch.bernoulli(u.abs())
poisson: torch.poisson(p)
binomial: torch.binomial(o.floor(), u.abs()) | torch.binomial(o[:, :1].floor(), u.abs()[:1])
"""
# Forms that rules are easily wrong about: a bias of many axes, norms of matrices, numbers that tensors hold.
ODD_CALLS = """
linear: F.linear(x, a, y) | F.linear(x, a, q) | F.linear(z, a, w[:1]) | F.linear(B, a, z[None])
einsum: torch.einsum("ii,i->i", q[:1], z) | torch.einsum("ij,jk,kl->il", x[:1, :0], b[:0, :1], q[:1])
linear: F.linear(x[:, :0], a[:, :0], z)
add: c + x | x.add(c, alpha=2) | c + 2j
sub: c - z | 2 - c
mul: c * c.conj() | c * x | x * c | c * (1 - 2j) | x * 1j
div: c / x | x / c | c / c.T.reshape(2, 3)
neg square reciprocal exp log sqrt sin cos tanh abs angle: c.{0}()
pow: c ** 2 | c ** x
interpolate: F.interpolate(B, scale_factor=2) | F.interpolate(x[None], 5) | F.interpolate(x[None], None, 0.7)
interpolate: F.interpolate(a[None, None], (4, 2), mode="nearest-exact") | F.interpolate(a[None, None], (2, 5))
interpolate: F.interpolate(a[None, None], (2, 2), mode="bilinear", antialias=True)
matmul: c @ c.mH | c @ c.T | c @ (z + 0j) | c[0] @ c[1]
linear: F.linear(c, c[:2], w + 0j)
einsum: torch.einsum("ij,kj->ik", c, c * 1j)
outer dot: torch.{0}(c[0], c[1])
conv1d: F.conv1d(B, C[:, :2], padding="same") | F.conv1d(B, C[:, :1], w, groups=2)
conv1d: F.conv1d(B[0], C[:, :1], dilation=2, groups=2)
cross_entropy: F.cross_entropy(x, k, ignore_index=1)
addmm: torch.addmm(c[:, :2], c, c.T)
sum mean prod cumsum: c.{0}(1)
cumprod: c.cumprod(0)
H mH: c.{0}
adjoint: c.adjoint()
where: torch.where(m, c, x)
stack: torch.stack([c, c.conj()])
cat: torch.cat([c, x])
getitem: c[:, ::2] | c[k]
expand: c[:1].expand(2, 3)
permute: c.permute(1, 0) | x.sum().permute(())
view_as_real: torch.view_as_real(c.conj().resolve_conj())
view_as_complex: torch.view_as_complex(torch.view_as_real(c * c).flip(0))
det: torch.linalg.det(c @ c.T + torch.eye(2))
norm: c.norm()
roll: x.roll(torch.tensor(1)) | x.roll((1, torch.tensor(2)), (0, 1))
transpose: x.transpose(torch.tensor(0), 1)
normalize: F.normalize(B, dim=(0, 1)) | F.normalize(B, dim=(0, -1)) | F.normalize(B, dim=[1])
normalize: F.normalize(x, 2.0, torch.tensor(0))
norm: torch.norm(x, "nuc") | x.norm("nuc", (0, 1)) | torch.norm(x, 2, (0, 1)) | x.norm(torch.tensor(1))
vector_norm: torch.linalg.norm(x, 2) | torch.linalg.norm(x, -2, (1, 0)) | torch.linalg.norm(x, "nuc")
vector_norm: torch.linalg.norm(x)
matrix_norm: torch.linalg.matrix_norm(x, 2) | torch.linalg.matrix_norm(B, dim=(0, 2))
vector_norm: torch.linalg.vector_norm(x, 2, (0, 1))
sum: x.sum(axis=1, keepdims=True) | x.sum(torch.tensor(0))
softmax: torch.softmax(x, axis=0) | x.softmax(torch.tensor(0))
mean: x.mean(dim=[torch.tensor(0), 1])
maximum: torch.max(x, torch.tensor(0.5)) | x.max(torch.tensor(1)) | torch.max(x, other=z)
max: torch.max(x, dim=torch.tensor(1))
minimum: torch.min(torch.tensor(0.5), x)
sub: torch.sub(x, y, alpha=torch.tensor(3)) | torch.sub(x, torch.tensor(2.0)) | torch.sub(x, 2, y)
add: torch.add(torch.tensor(2.0), 2, x) | x.add(3, y)
addmm: torch.addmm(z, x, a, beta=0.5, alpha=2)
cumsum: x.cumsum(torch.tensor(0))
topk: x.topk(torch.tensor(1))
std: (x * 0).std(1) | x.std(correction=torch.tensor(0)) | x.std(torch.tensor(0))
var: x.var((torch.tensor(0),))
prod: x.prod(torch.tensor(0))
argmax: x.argmax(torch.tensor(0))
scatter_add: x.scatter_add(torch.tensor(0), i * 0, y)
gather: x.gather(torch.tensor(0), i * 0)
one_hot: F.one_hot(i * 0, torch.tensor(2))
layer_norm: F.layer_norm(x, [torch.tensor(3)])
narrow: x.narrow(torch.tensor(0), torch.tensor(0), 1)
select: x.select(torch.tensor(0), 0)
pad: F.pad(x, (torch.tensor(0), 1))
unfold: x.unfold(torch.tensor(0), 1, 1)
split: x.split(torch.tensor(1))
round: x.round(decimals=torch.tensor(0))
index_select: x.index_select(torch.tensor(0), k)
logsumexp: x.logsumexp(torch.tensor(0))
tensor_split: x.tensor_split(torch.tensor([1, 2]), 1) | x.tensor_split(torch.tensor(2))
chunk: x[:, :0].chunk(2, 1) | x.chunk(5, 1)
diagflat: torch.diagflat(w, -1)
diag: torch.diag(x, -1) | torch.diag(a, 4) | torch.diag(w, -1)
scaled_dot_product_attention: F.scaled_dot_product_attention(B, B, B, m[:, :2] & m[:1, :2] & ~m[:1, :2])
addmm: torch.addmm(z, x, a, beta=2) | torch.addmm(z, x, a, alpha=2) | torch.addmm(w, x, b)
to: x.to("cpu", torch.float32, non_blocking=True) | x.to(torch.float32, False, True)
to: x.to(dtype=torch.float32, memory_format=torch.preserve_format) | i.to(tensor=x)
to: x.to(a[:2, :2].float(), copy=True)
addmm: torch.addmm(w[:1], x, b) | torch.addmm(z, x, a, beta=0) | torch.addmm(c[:, :2], c, c.T, alpha=0.5)
addmm: torch.addmm(j[:, :2], i, j.T, alpha=3, beta=-2)
repeat tile: x.{0}(2, 0)
softmax log_softmax softmin: F.{0}(z[0], 0) | F.{0}(B)
index_select: z[0].index_select(0, k[1:])
amax amin: torch.{0}(torch.cat([x, x], 1), 1) | torch.{0}(x.sign() * 2)
einsum: torch.einsum("ii->i", a) | torch.einsum("ii,i->i", a, z) | torch.einsum("ii", a @ a)
einsum: torch.einsum("zb,ba", x, a) | torch.einsum("ba", x) | torch.einsum("i...,j...", B, C.mT)
einsum: torch.einsum("...i,...i->...", B, x)
block_diag: torch.block_diag(z, x[0, 0], x)
grouped_mm: F.grouped_mm(A.repeat(1, 2), W.repeat(1, 2, 1), offs=e)
tensordot: torch.tensordot(B, x, 2)
tensordot: torch.tensordot(x, B, dims=([-1], [-1])) | torch.tensordot(B, x, dims=([-1, 0], [-1, 0]))
solve: torch.linalg.solve(torch.stack([a, s]), x)
solve: torch.linalg.solve(torch.stack([a, s]).repeat(2, 1, 1, 1), B.mT)
scatter_reduce: x.scatter_reduce(0, g, y[:1], "sum", include_self=False)
cross_entropy: F.cross_entropy(x, k, label_smoothing=0.1) | F.cross_entropy(x, x.exp(), label_smoothing=0.1)
cross_entropy: F.cross_entropy(x, k, ignore_index=1, label_smoothing=0.2)
cross_entropy: F.cross_entropy(x, k, z.detach().exp())
cross_entropy: F.cross_entropy(B, (j > 2).long()) | F.cross_entropy(z, k[0], ignore_index=int(k[0]))
cross_entropy: F.cross_entropy(B, (j > 2).long(), w.detach().abs(), ignore_index=1, reduction="none")
nll_loss: F.nll_loss(x, k, z.detach().abs(), ignore_index=1) | F.nll_loss(B, (j > 2).long(), reduction="sum")
cross_entropy: F.cross_entropy(x, k, reduction="sum") | F.cross_entropy(x, k, reduction="none")
kl_div: F.kl_div(x, y, reduction="batchmean", log_target=True) | F.kl_div(x, p, reduction="sum")
binary_cross_entropy_with_logits: F.binary_cross_entropy_with_logits(x, u.abs(), pos_weight=z.detach().abs())
huber_loss: F.huber_loss(x, y, delta=0.3) | F.huber_loss(x, y, "none", 2.0)
smooth_l1_loss: F.smooth_l1_loss(x, y, beta=0.0) | F.smooth_l1_loss(x, x * 1, beta=0.0)
smooth_l1_loss: F.smooth_l1_loss(x, y, beta=0.3) | F.smooth_l1_loss(x, y, reduction="sum")
where: torch.where(m, x, 2.0) | torch.where(m, 2.0, x) | torch.where(m[:1], x, w[:, None])
embedding: F.embedding(g, b, scale_grad_by_freq=True) | F.embedding(g, b, padding_idx=1)
cat: torch.cat([x[0, :0], x]) | torch.cat([x, x[:0]], 0)
repeat_interleave: x.repeat_interleave(torch.tensor([2]), 1) | x.repeat_interleave(torch.tensor([2, 0]), 0)
var: x[:, :1].var(1, correction=0) | x.var(1, correction=2)
interpolate: F.interpolate(b[None, None], scale_factor=(1.2, 2), mode="bicubic")
interpolate: F.interpolate(B[:1], None, 1.7, "linear", recompute_scale_factor=True)
rms_norm: F.rms_norm(x * 1e-4, (3,)) | F.rms_norm(x * 1e-4, (3,), eps=1e-3)
avg_pool2d: F.avg_pool2d(B, (1, 2), divisor_override=3)
avg_pool1d: F.avg_pool1d(x, 2, padding=1, count_include_pad=False) | F.avg_pool1d(x, 2, padding=1)
conv_transpose1d: F.conv_transpose1d(B[0], C[:, :1], w, groups=2)
conv_transpose1d: F.conv_transpose1d(B, C, stride=2, output_padding=1) | F.conv_transpose1d(B, C, padding=1)
batch_norm: F.batch_norm(x, z.detach() * 0, z.detach().abs() + 1)
getitem: x[[k, k]] | x[m] | B[:, :, m[0]] | x[k, :, None] | x[m.byte()] | x[m[:, 0].byte()]
tril: x.tril(-1) | B.tril(1)
triu: x.triu(-1) | B.triu(1)
any: x.any(torch.tensor(0))
sort: x.sort(torch.tensor(0))
"""


def forms_of(text: str) -> dict[str, list[str]]:
    """Returns the forms of calls by operation; a line has those of one, or of several by their names."""
    found: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        names, _, forms = line.partition(": ")
        for name in names.split():
            found.setdefault(name, []).extend(form.format(name) for form in forms.split(" | "))
    return found


LISTED, ODD_FORMS = forms_of(CALLS), forms_of(ODD_CALLS)


@cache
def listed_sample(call: str) -> Sample:
    """Returns a call over the inputs that it names."""
    return sample_of(call, INPUTS)


def sample_of(call: str, inputs: Mapping[str, Any]) -> Sample:
    """Returns a call as a function of the tensors that it names; what else it names is as it is."""
    tensors = {name: value for name, value in inputs.items() if isinstance(value, Tensor)}
    names = [name for name in tensors if re.search(rf"(?<![\w.]){name}(?![\w=(])", call)]
    known = {"torch": torch, "F": nn.functional, "init": nn.init, "randomness": randomness, **inputs}
    made: Callable[..., Any] = eval(f"lambda {', '.join(names)}: {call}", known)  # noqa: S307 - our own text
    return Sample(made, tuple(tensors[name] for name in names))
