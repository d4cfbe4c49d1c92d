// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/answer.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "collector/cgroup.h"

bool answer_wanted(const struct settings *settings)
{
	for (size_t i = 0; i < settings->n_ignore; i++)
		if (settings->ignore[i].kind == IGNORE_DOMAIN)
			return settings->read_names;
	return false;
}

int answer_watch(const struct hold *hold)
{
	int program = hold_fd(hold, HOLD_PROGRAM, "on_answer"), cgroup, link;

	if (program < 0)
		return -ENOENT;
	cgroup = cgroup_root_open();
	if (cgroup < 0)
		return cgroup;
	link = bpf_link_create(program, cgroup, BPF_CGROUP_INET_INGRESS, NULL); /* Linux 5.7 */
	if (link < 0)
		link = -errno;
	close(cgroup);
	return link;
}
