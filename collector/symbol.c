// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/symbol.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define SECTIONS_MAX 256
#define SEGMENTS_MAX 64
#define SYMBOLS_MAX 65536
#define BATCH 128 /* symbols read at once */
#define NAME_SIZE 64

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#endif

/* Exactly so many bytes. 0 or -errno. */
static int read_at(int fd, void *to, size_t len, uint64_t at)
{
	ssize_t n = at > INT64_MAX ? 0 : pread(fd, to, len, (off_t)at);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOEXEC;
}

static int read_header(int fd, Elf64_Ehdr *elf)
{
	int err = read_at(fd, elf, sizeof(*elf), 0);

	if (err < 0)
		return err;
	if (memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 || elf->e_ident[EI_CLASS] != ELFCLASS64 ||
	    elf->e_machine != MACHINE || elf->e_shentsize != sizeof(Elf64_Shdr) ||
	    elf->e_phentsize != sizeof(Elf64_Phdr) || elf->e_shnum > SECTIONS_MAX ||
	    elf->e_phnum > SEGMENTS_MAX)
		return -ENOEXEC;
	return 0;
}

/* The table of exported symbols, and its names. */
static int find_tables(int fd, const Elf64_Ehdr *elf, Elf64_Shdr *symbols, Elf64_Shdr *names)
{
	int err;

	for (unsigned i = 0; i < elf->e_shnum; i++) {
		if ((err = read_at(fd, symbols, sizeof(*symbols), elf->e_shoff + i * sizeof(*symbols))) < 0)
			return err;
		if (symbols->sh_type != SHT_DYNSYM)
			continue;
		if (symbols->sh_entsize != sizeof(Elf64_Sym) || symbols->sh_link >= elf->e_shnum)
			return -ENOEXEC;
		return read_at(fd, names, sizeof(*names), elf->e_shoff + symbols->sh_link * sizeof(*names));
	}
	return -ENOENT;
}

static bool is_named(int fd, const Elf64_Shdr *names, const Elf64_Sym *symbol, const char *name)
{
	size_t len = strlen(name) + 1;
	char there[NAME_SIZE];

	return len <= sizeof(there) && symbol->st_name < names->sh_size &&
	       read_at(fd, there, len, names->sh_offset + symbol->st_name) == 0 &&
	       memcmp(there, name, len) == 0;
}

static int find_address(int fd, const Elf64_Shdr *symbols, const Elf64_Shdr *names, const char *name,
			uint64_t *address)
{
	uint64_t n = symbols->sh_size / sizeof(Elf64_Sym);
	Elf64_Sym batch[BATCH];

	for (uint64_t at = 0; at < n && at < SYMBOLS_MAX; at += BATCH) {
		uint64_t some = n - at < BATCH ? n - at : BATCH;
		int err = read_at(fd, batch, some * sizeof(*batch), symbols->sh_offset + at * sizeof(*batch));

		if (err < 0)
			return err;
		for (uint64_t i = 0; i < some; i++) {
			if (ELF64_ST_TYPE(batch[i].st_info) != STT_FUNC || batch[i].st_shndx == SHN_UNDEF ||
			    !is_named(fd, names, &batch[i], name))
				continue;
			*address = batch[i].st_value;
			return 0;
		}
	}
	return -ENOENT;
}

/* Which part of the file is mapped there, to be executed? */
static int find_offset(int fd, const Elf64_Ehdr *elf, uint64_t address, uint64_t *offset)
{
	Elf64_Phdr segment;
	int err;

	for (unsigned i = 0; i < elf->e_phnum; i++) {
		if ((err = read_at(fd, &segment, sizeof(segment), elf->e_phoff + i * sizeof(segment))) < 0)
			return err;
		if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) || address < segment.p_vaddr ||
		    address - segment.p_vaddr >= segment.p_filesz)
			continue;
		*offset = segment.p_offset + (address - segment.p_vaddr);
		return 0;
	}
	return -ENOEXEC;
}

int symbol_find(int fd, const char *name, uint64_t *offset)
{
	Elf64_Shdr symbols, names;
	uint64_t address;
	Elf64_Ehdr elf;
	int err;

	if ((err = read_header(fd, &elf)) < 0 || (err = find_tables(fd, &elf, &symbols, &names)) < 0 ||
	    (err = find_address(fd, &symbols, &names, name, &address)) < 0)
		return err;
	return find_offset(fd, &elf, address, offset);
}
