"""Huawei: CANN, that is AscendCL, its operators and its compilers."""
