// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * owners.c - see owners.h.
 */
#include "hasher/owners.h"

#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "config/wire_check.h"

void owners_open(struct owners *o, struct stage *stage)
{
	o->stage = stage;
	o->packages = packages_new();
	if (!o->packages)
		log_warn("packages of programs are not looked up");
}

void owners_close(struct owners *o)
{
	packages_free(o->packages);
	o->packages = NULL;
}

static __u16 add_text(char *text, size_t *len, const char *what)
{
	size_t size = what && what[0] ? strlen(what) + 1 : 0;

	memcpy(text + *len, what, size);
	*len += size;
	return (__u16)size;
}

static void put(struct owners *o, __u64 file_id, const struct package_file *f)
{
	struct wire_package package = {.file_id = file_id};
	char text[3 * PACKAGES_TEXT];
	size_t len = 0;

	if (f && f->manager) {
		package.explained = f->explained;
		package.manager_len = add_text(text, &len, f->manager);
		package.name_len = add_text(text, &len, f->name);
		package.version_len = add_text(text, &len, f->version);
	}
	if (frame_put(o->stage->out, WIRE_PACKAGE, &package, sizeof(package), text, len))
		log_warnx("no room for a package");
}

void owners_ask(struct owners *o, const struct wire_exec *exec, struct cache_file *f, bool elsewhere)
{
	const char *path = wire_exec_path(exec);

	if (f->packaged)
		return;
	f->packaged = true;
	if (elsewhere || exec->flags & (WIRE_EXEC_UNLINKED | WIRE_EXEC_PATH_CUT) || packages_foreign(path) ||
	    !o->packages || packages_ask(o->packages, f->file_id, &exec->file, path))
		put(o, f->file_id, NULL);
}

bool owners_answer(struct owners *o)
{
	struct package_file *f = o->packages ? packages_answer(o->packages) : NULL;

	if (!f)
		return false;
	put(o, f->file_id, f);
	free(f);
	return true;
}

int owners_fd(const struct owners *o)
{
	return o->packages ? packages_fd(o->packages) : -1;
}

void owners_check(struct owners *o)
{
	if (o->packages)
		packages_check(o->packages);
}

bool owners_busy(const struct owners *o)
{
	return o->packages && packages_busy(o->packages);
}
