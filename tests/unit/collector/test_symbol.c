// SPDX-License-Identifier: GPL-2.0-or-later
/* A function of a library is found where the dynamic linker finds it, and no file makes the search go astray.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "collector/symbol.h"

#define AT 0x1040 /* in memory; 0x40 in the file */

/* The least that is a library: one segment, and the tables. */
struct small {
	Elf64_Ehdr elf;
	Elf64_Phdr segment;
	Elf64_Shdr section[3];
	Elf64_Sym symbol[3];
	char names[24];
};

static struct small small(void)
{
	struct small s = {
		.elf = {.e_machine = EM_X86_64,
			.e_phoff = offsetof(struct small, segment),
			.e_shoff = offsetof(struct small, section),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
			.e_shentsize = sizeof(Elf64_Shdr),
			.e_shnum = 3},
		.segment = {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x1000, .p_filesz = 0x1000},
		.section = {{0},
			    {.sh_type = SHT_DYNSYM,
			     .sh_offset = offsetof(struct small, symbol),
			     .sh_size = 3 * sizeof(Elf64_Sym),
			     .sh_entsize = sizeof(Elf64_Sym),
			     .sh_link = 2},
			    {.sh_type = SHT_STRTAB,
			     .sh_offset = offsetof(struct small, names),
			     .sh_size = sizeof(s.names)}},
		.symbol = {{0},
			   {.st_name = 1, .st_info = STT_FUNC, .st_shndx = SHN_UNDEF},
			   {.st_name = 1, .st_info = STT_FUNC, .st_shndx = 1, .st_value = AT}},
		.names = "\0getaddrinfo",
	};

	memcpy(s.elf.e_ident, ELFMAG, SELFMAG);
	s.elf.e_ident[EI_CLASS] = ELFCLASS64;
#if defined(__aarch64__)
	s.elf.e_machine = EM_AARCH64;
#endif
	return s;
}

static int find_in(const void *bytes, size_t len, uint64_t *offset)
{
	int fd = memfd_create("library", MFD_CLOEXEC), err;

	assert_int_equal(write(fd, bytes, len), len);
	err = symbol_find(fd, "getaddrinfo", offset);
	close(fd);
	return err;
}

static void a_function_is_found(void **state)
{
	struct small s = small();
	uint64_t offset;

	(void)state;
	assert_int_equal(find_in(&s, sizeof(s), &offset), 0);
	assert_int_equal(offset, 0x40);
	s.names[1] = 'G';
	assert_int_equal(find_in(&s, sizeof(s), &offset), -ENOENT);
}

/* The C library of this very program. */
static void it_is_where_the_linker_found_it(void **state)
{
	struct link_map *map;
	uint64_t offset;
	Dl_info info;
	void *base;
	int fd;

	(void)state;
	assert_true(dladdr1((void *)getaddrinfo, &info, (void **)&map, RTLD_DL_LINKMAP));
	if (!strstr(map->l_name, "libc"))
		skip(); /* a sanitizer stands before it */
	fd = open(map->l_name, O_RDONLY | O_CLOEXEC);
	assert_int_equal(symbol_find(fd, "getaddrinfo", &offset), 0);
	base = mmap(NULL, 16, PROT_READ, MAP_PRIVATE, fd, (off_t)(offset & ~UINT64_C(4095)));
	assert_true(base != MAP_FAILED);
	assert_memory_equal((char *)base + (offset & 4095), (void *)getaddrinfo, 16);
	close(fd);
}

static void what_is_cut_off_is_no_library(void **state)
{
	struct small s = small();
	uint64_t offset;

	(void)state;
	for (size_t len = 0; len < offsetof(struct small, names) + 1 + sizeof("getaddrinfo"); len++)
		assert_true(find_in(&s, len, &offset) < 0);
}

static void nothing_in_it_is_believed(void **state)
{
	struct small s = small();
	unsigned char *bytes = (unsigned char *)&s;
	uint64_t offset;

	(void)state;
	for (size_t i = 0; i < sizeof(s); i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] ^= 1u << bit;
			(void)find_in(&s, sizeof(s), &offset);
			bytes[i] ^= 1u << bit;
		}
	}
	s.section[1].sh_size = UINT64_MAX;
	assert_int_equal(find_in(&s, sizeof(s), &offset), -ENOEXEC);
	s = small();
	s.section[1].sh_link = 3;
	assert_int_equal(find_in(&s, sizeof(s), &offset), -ENOEXEC);
	s = small();
	s.segment.p_flags = PF_R;
	assert_int_equal(find_in(&s, sizeof(s), &offset), -ENOEXEC);
	s = small();
	s.elf.e_shoff = UINT64_MAX - 63;
	assert_true(find_in(&s, sizeof(s), &offset) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_found),
		cmocka_unit_test(it_is_where_the_linker_found_it),
		cmocka_unit_test(what_is_cut_off_is_no_library),
		cmocka_unit_test(nothing_in_it_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
