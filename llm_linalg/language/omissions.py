"""What torch has and the language lacks, name by name, with the reason: a list made from torch itself.

Every public name of torch's modules is in the language or matches a word below, as a test makes sure.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from inspect import getmembers
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from llm_linalg.language import allowlist

WIDTH = 100
PLACES: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "torch": (torch, allowlist.TORCH.members),
    "torch.Tensor": (Tensor, {**allowlist.METHODS, **allowlist.ATTRIBUTES}),
    "torch.nn.functional": (nn.functional, allowlist.F.members),
    "torch.nn": (nn, allowlist.NN.members),
    "torch.linalg": (torch.linalg, allowlist.LINALG.members),
    "torch.special": (torch.special, allowlist.SPECIAL.members),
    "torch.fft": (torch.fft, {}),
}
"""torch's modules, and what the language has of each."""
MODULE = "A module of its own, which the language lacks; or one of Python's that can be seen there."
LIST_RELEASE = (2, 15)
"""The newest torch whose names were all gone through: major and minor number."""
LATER = "It is newer than this list, which goes up to torch " + ".".join(map(str, LIST_RELEASE)) + "."
TOO_NEW = "It is newer than torch 2.10, the oldest with which programs run."
IN_PLACE = "Write the method, such as x.abs_(): the function is torch's own spelling."
REASONS: Mapping[str, str] = {
    "Sparse tensors are not part of the language: all tensors have all their cells.": """
        sparse_* hsmm hspmm dsmm smm saddmm sspaddmm spmm ccol_indices* col_indices* crow_indices*
        row_indices* indices* values* coalesce is_coalesced dense_dim sparse_dim sparse_mask to_sparse*
        to_dense is_sparse* resize_as_sparse* jagged to_padded_tensor is_nested
    """,
    "Quantized numbers, and floats of eight bits and fewer, are not part of the language.": """
        *quantize* quantized_* q_* qscheme int_repr choose_qparams* per_channel_* per_tensor_*
        fused_moving* qint* quint* bits* bit int[1-7] uint[1-7] float[48]_* chalf *complex32 hash_tensor
    """,
    "It is for other hardware: all tensors live on the CPU.": """
        cudnn_* miopen_* mkldnn_* fbgemm_* is_vulkan* is_cuda is_xpu is_ipu is_maia is_mps is_mtia is_xla
        is_mkldnn to_mkldnn ipu xpu mtia cuda get_device get_device_module record_stream is_pinned
        pin_memory Event Stream StreamObjType DeviceObjType set_float32_matmul_precision
        get_float32_matmul_precision get_default_device set_default_device is_distributed SyncBatchNorm
        parallel *autocast* GradScaler DataParallel AcceleratorError OutOfMemoryError
    """,
    "It reads or changes torch's state, the same for every program that runs.": """
        set_* get_num* get_rng_state initial_seed seed init_num_threads default_generator
        are_deterministic* use_deterministic* is_deterministic* get_deterministic* is_warn_always*
        is_anomaly* is_inference_mode* has_* compiled_with* USE_* prepare_multiprocessing*
        thread_safe_generator read_vitals vitals_enabled wait fork is_inference* profiler_* TYPE_CHECKING
    """,
    "It is of torch's compiler and its scripts: a program here is interpreted.": """
        compile vmap while_loop cond sym_* Sym* *_copy import_ir* parse_* merge_type* unify_type*
        get_file_path classproperty typename alias_copy slice_inverse as_subclass module_load
        DisableTorchFunction* *Type *Storage TypedStorage UntypedStorage Storage StorageBase storage_type
        is_storage AggregationType AliasDb Argument* Await* Benchmark* Block BufferDict CallStack Capsule
        Code CompilationUnit Concrete* DeepCopy* Deserial* Dispatch* ErrorReport Exclude* ExecutionPlan
        FatalError FileCheck FunctionSchema Future Gradient Graph* IODescriptor JITException Lite*
        LockingLogger Logger* Node NoopLogger Operator* PRIVATE_OPS PyObject* PyTorchFile* Script* Serial*
        StaticModule Tag Throughput* TracingState Type Use Value ModuleDict ParameterDict AVG SUM dtype
        layout memory_format legacy_contiguous* channels_last* unsafe_* has_torch_function*
        handle_torch_function boolean_dispatch assert_int_or_pair BroadcastingList* Callable Optional
        DType ScalingType SwizzleType GRID_SAMPLE_* *_notes common_args multi_dim_common
        factory_common_args np dataclasses importlib math warnings torch Tensor grad tf32_notes
    """,
    "It shows or shares a tensor's memory, which is torch's business alone.": """
        as_strided* const_data_ptr set_ share_memory_ is_shared is_set_to
        resize resize_as* empty_strided empty_permuted new_empty_strided from_file from_numpy frombuffer
        from_dlpack to_dlpack numpy new dim_order name
    """,
    "It calls Python in the midst of torch, or reaches into autograd's own graph.": """
        apply_ map_ map2_ register_post_accumulate* reinforce grad_dtype output_nr
        retains_grad volatile
    """,
    "A program reads and writes no file by it.": "save hub",
    "torch has taken it away, or will: calling it is an error in its later releases.": """
        eig lstsq matrix_rank solve symeig triangular_solve lu qr cholesky
    """,
    "It trusts the pivots or reflections that it is handed: torch.linalg has solve, lstsq and qr.": """
        lu_solve lu_unpack ldl_* lu_factor_ex orgqr ormqr geqrf
    """,
    "It takes as long as its order is high, whatever the shape: write its recurrence.": """
        *_polynomial_*
    """,
    "It is random and approximate: torch.linalg.svd and eigh give all.": "svd_lowrank pca_lowrank lobpcg",
    "It is a kernel behind functions that the language has.": """
        native_* batch_norm_* convolution conv_tbc grid_sampler* affine_grid_generator norm_except_dim
        frobenius_norm nuclear_norm constant_pad_nd nonzero_static sum_to_size rsub fill detach
        scalar_tensor gru* lstm* rnn_* *_with_indices index scaled_*mm* grouped_mm
        linear_cross_entropy embedding_renorm_ segment_reduce ger get_default_dtype
    """,
    "The language has it in torch.nn.functional, or as a layer, where it has it at all.": """
        adaptive_* avg_pool* max_pool* conv1d conv2d conv3d conv_transpose* batch_norm instance_norm
        group_norm dropout* alpha_dropout* feature_*dropout* rrelu* embedding embedding_bag bilinear prelu
        pairwise_distance pdist cosine_embedding_loss ctc_loss hinge_embedding_loss margin_ranking_loss
        triplet_margin_loss poisson_nll_loss kl_div binary_cross_entropy* celu_ selu_ threshold_ relu_
    """,
    "A layer, a loss or a resampling of images that the language lacks: write it out.": """
        lp_pool* max_unpool* fractional_max_pool* local_response_norm upsample* grid_sample
        affine_grid gaussian_nll_loss huber_loss smooth_l1_loss
        soft_margin_loss multi*margin_loss triplet_margin_with* multi_head_attention_forward multilabel_*
        [A-Z]* common_types factory_kwargs init parameter utils modules quantizable quantized qat
        attention
    """,
    "Spectra are not part of the language: write the sum with torch.polar, or a matrix of it.": """
        stft istft fft* ifft* rfft* irfft* hfft* ihfft*
    """,
    "Several dimensions at once, or a rare spelling: write it with what is there.": """
        histogramdd diagonal fill_diagonal_ geometric_ cauchy_ log_normal_ is_* LinAlgError get_*
        unravel_index
    """,
    TOO_NEW: "matrix_sqrth polar",
    "torch has given it up: its axes have no names any longer.": "align_* names refine_names rename*",
}
"""By the reason the words for names, as in a shell: `*_copy`."""


def omissions(place: str) -> dict[str, str]:
    """Return the public names of one of torch's modules that the language lacks, each with the reason."""
    home, had = PLACES[place]
    found = dict(getmembers(home))
    return {
        name: _reason(name, found[name])
        for name in dir(home)
        if not name.startswith("_") and name not in had and name in found
    }


def _reason(name: str, value: Any) -> str:
    """Return why the language lacks a name; empty if nobody has said it."""
    if isinstance(value, ModuleType):
        return MODULE
    if name.endswith("_") and name in allowlist.METHODS:
        return IN_PLACE
    matching = (
        why for why, words in REASONS.items() if any(fnmatchcase(name, word) for word in words.split())
    )
    return next(matching, LATER if torch_release() > LIST_RELEASE else "")


def torch_release() -> tuple[int, ...]:
    """Return the major and the minor number of torch that is installed."""
    return tuple(int(number) for number in torch.__version__.split(".")[:2])


def page() -> str:
    """Return the list as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# What torch has and the tensor language lacks"
    for place in PLACES:
        yield ""
        yield f"## {place}"
        by_reason: dict[str, list[str]] = {}
        for name, reason in omissions(place).items():
            by_reason.setdefault(reason, []).append(name)
        for reason, names in by_reason.items():
            yield ""
            yield reason
            yield from textwrap.wrap(
                " ".join(names), WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
            )
