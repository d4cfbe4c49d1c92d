// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/facts.h"

uint64_t facts_resume(struct facts *f, const struct wire_resume *r, uint64_t journal, uint64_t durable)
{
	uint64_t have;

	if (f->journal != r->journal) {
		f->journal = r->journal;
		f->next = r->next_fact;
		f->durable = journal == r->journal ? durable : 0;
		return 0;
	}
	have = f->next > f->durable ? f->next : f->durable;
	f->next = r->next_fact;
	return r->next_fact > have ? r->next_fact - have : 0;
}

bool facts_known(struct facts *f)
{
	return f->journal && f->next++ < f->durable;
}
