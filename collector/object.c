// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/object.h"

#include <bpf/libbpf.h>

#include "bpf/wire.h"

#include "bpf/femtosnitch.skel.h"
#include "bpf/femtosnitch_early.skel.h"

/* bpf_loop came last of what the other object needs (Linux 5.17). Asked of the kernel itself: enterprise
 * kernels have it under older numbers. */
static int kernel_is_early(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SOCKET_FILTER, BPF_FUNC_loop, NULL) == 0;
}

const void *object_bytes(size_t *size)
{
	return kernel_is_early() ? femtosnitch_early__elf_bytes(size) : femtosnitch__elf_bytes(size);
}

const void *object_bytes_not_here(size_t *size)
{
	return kernel_is_early() ? femtosnitch__elf_bytes(size) : NULL;
}
