/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * symbol.h - where in a shared library a function is. The library is a stranger's: nothing in it is believed,
 * and what is read of it is bounded. No memory is allocated.
 */
#ifndef FEMTOSNITCH_SYMBOL_H
#define FEMTOSNITCH_SYMBOL_H

#include <stdint.h>

/* The offset in the file of the first byte of a function that the library exports (ELF, 64 bit, of this
 * machine's kind). 0 and *offset; -ENOEXEC: it is no such library, -ENOENT: it has no such function, or
 * -errno of pread(2). */
int symbol_find(int fd, const char *name, uint64_t *offset);

#endif
