// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - the collector: loads the BPF programs, then hands what the kernel says to the hasher, as frames.
 */
#include <linux/capability.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "collector/collector.h"
#include "collector/hosts.h"
#include "collector/selftest.h"
#include "config/log.h"
#include "config/sandbox.h"

int main(int argc, char **argv)
{
	static const char *const files[WIRE_HOSTS__MAX] = {
		[WIRE_HOSTS_NAMES] = HOSTS_FILE,
		[WIRE_HOSTS_SERVERS] = HOSTS_SERVERS,
		[WIRE_HOSTS_UPSTREAM] = HOSTS_UPSTREAM,
	};
	static struct collector c;

	if (argc == 2 && strcmp(argv[1], SELFTEST_ARG) == 0)
		return 0;
	if (argc == 2 && strcmp(argv[1], "--doctor") == 0) {
		log_open("femtosnitch-collector", 0);
		return start_doctor();
	}
	stage_start(&c.stage, WIRE_STAGE_COLLECTOR, OUT_BOUND, argc, argv);
	start_run(&c);
	malloc_trim(0); /* loading took megabytes that are never needed again */
	c.late = late_start(c.probe, &c.stage, c.since_ns ? c.since_ns : stage_now());
	start_answers(&c);
	c.naming = naming_new(&c.stage, argv[0], files);
	c.record.payload = naming_payload;
	c.record.payload_arg = c.naming;
	/* bpf(2) on our own maps and iterators is all that is left to do */
	sandbox_drop(c.stage.uid, c.stage.gid, SANDBOX_CAP(CAP_BPF));
	loop_run(&c);
	close(STDOUT_FILENO); /* the others need not wait until the last program is out of the kernel */
	libc_free(c.libc);
	naming_free(c.naming);
	late_free(c.late);
	probe_free(c.probe);
	journal_free(c.journal);
	return 0;
}
