// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/object.h"

#include "bpf/wire.h"

#include "bpf/femtosnitch.skel.h"

const void *object_bytes(size_t *size)
{
	return femtosnitch__elf_bytes(size);
}
