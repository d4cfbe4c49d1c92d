/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * object.h - the BPF objects that are built into this program. The only module that includes what bpftool
 * generates; nothing else than the bytes is used of it: programs and maps are found by name.
 */
#ifndef FEMTOSNITCH_OBJECT_H
#define FEMTOSNITCH_OBJECT_H

#include <stddef.h>

/* The ELF file for this kernel: Linux 5.10 to 5.16 have one of their own. */
const void *object_bytes(size_t *size);

/* The one for later kernels, which has more programs than this kernel can run; NULL: it is the one in use. */
const void *object_bytes_not_here(size_t *size);

/* Give the pages of all objects back, 2 MB that only loading needs: they come again from the file. */
void object_give_back(void);

#endif
