// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libraries.c - see libraries.h. Owns the crew, and which sets were told when.
 */
#include "hasher/libraries.h"

#include <stdlib.h>
#include <string.h>

#include "config/log.h"
#include "hasher/mapped.h"

#define TELL_AGAIN_MS 3600000 /* the store may have forgotten it */

struct set {
	__u8 set[WIRE_SHA256_SIZE];
	__u64 told_ms; /* 0: none */
};

struct libraries {
	struct stage *stage;
	struct crew *crew; /* NULL until the first */
	struct set *told;  /* by the first bytes of a set; NULL until the first */
};

struct libraries *libraries_new(struct stage *stage)
{
	struct libraries *l = calloc(1, sizeof(*l));

	if (l)
		l->stage = stage;
	return l;
}

void libraries_free(struct libraries *l)
{
	if (!l)
		return;
	crew_stop(l->crew);
	free(l->told);
	free(l);
}

void libraries_image(struct libraries *l, const struct wire_exec *exec)
{
	if (!l->stage->settings.log_libraries || exec->flags & (WIRE_EXEC_KERNEL | WIRE_EXEC_NO_FILE))
		return;
	if (!l->crew)
		l->crew = mapped_crew(LIBRARIES_MAX);
	if (l->crew)
		(void)mapped_submit(l->crew, exec);
}

/* Was it told lately? It is now. */
static bool told(struct libraries *l, const __u8 *set, __u64 now_ms)
{
	struct set *at;
	bool lately;

	if (!l->told)
		l->told = calloc(LIBRARIES_SETS, sizeof(*l->told));
	if (!l->told)
		return false;
	at = &l->told[set[0] % LIBRARIES_SETS];
	lately = at->told_ms && now_ms - at->told_ms < TELL_AGAIN_MS &&
		 memcmp(at->set, set, sizeof(at->set)) == 0;
	if (!lately) {
		memcpy(at->set, set, sizeof(at->set));
		at->told_ms = now_ms ? now_ms : 1;
	}
	return lately;
}

bool libraries_result(struct libraries *l, __u64 now_ms)
{
	struct mapped *job = l->crew ? mapped_result(l->crew) : NULL;
	struct wire_libraries head;
	const char *text;

	if (!job)
		return false;
	if (mapped_answer(job, &head, &text)) {
		if (told(l, head.set, now_ms))
			head.text_len = 0;
		if (frame_put(l->stage->out, WIRE_LIBRARIES, &head, sizeof(head), text, head.text_len))
			log_warnx("no room for libraries");
	}
	mapped_free(job);
	return true;
}

int libraries_fd(const struct libraries *l)
{
	return l->crew ? crew_fd(l->crew) : -1;
}

void libraries_check(struct libraries *l)
{
	if (l->crew)
		crew_check(l->crew);
}

bool libraries_busy(const struct libraries *l)
{
	return l->crew && crew_jobs(l->crew);
}
