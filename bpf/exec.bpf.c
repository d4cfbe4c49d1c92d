// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * exec.bpf.c - the history of processes: execve, fork, exit. Without the forks a daemon that forked twice, or
 * a subshell whose parent is gone, would show process 1 as its parent.
 */
#include "bpf/image.bpf.h"
#include "bpf/repeat.bpf.h"

char LICENSE[] SEC("license") = "GPL";

struct wire_shared shared = {};

/* see bpf/name.bpf.h; in a map of its own, so that the collector finds it */
const volatile __u32 name_programs SEC(".rodata.names") = 1;

static __always_inline __u32 exec_flags(const struct linux_binprm *bprm)
{
	return bprm->interp != bprm->filename ? WIRE_EXEC_SCRIPT : 0;
}

/* Runs in the new image, its arguments just written, its old ones gone. */
PROGRAM_REPEATED("tp_btf/sched_process_exec", on_exec, TOKEN_EXEC, 0,
		 exec_send(task, bprm->file, WIRE_EXEC_EXECVE, exec_flags(bprm)), struct task_struct *task,
		 int old_pid, struct linux_binprm *bprm)

struct fork_record {
	struct wire_hdr hdr;
	struct wire_fork fork;
};

static __always_inline void forked(const struct task_struct *parent, const struct task_struct *child)
{
	struct fork_record *rec;

	if (child->tgid != child->pid)
		return; /* a thread */
	rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);
	if (!rec) {
		lost(WIRE_LOSS_RING_FULL, 0);
		return;
	}
	rec->hdr.version = WIRE_VERSION;
	rec->hdr.type = WIRE_FORK;
	rec->hdr.len = sizeof(rec->fork);
	image_key(parent, &rec->fork.parent);
	image_key_read(child, &rec->fork.child);
	rec->fork.time_ns = bpf_jiffies64();
	bpf_ringbuf_submit(rec, wake(false));
}

PROGRAM_REPEATED("tp_btf/sched_process_fork", on_fork, TOKEN_FORK, 0, forked(parent, child),
		 struct task_struct *parent, struct task_struct *child)

struct exit_record {
	struct wire_hdr hdr;
	struct wire_exit exit;
};

/* The last thread of a process: signal->live falls to 0 before this tracepoint (do_exit). The threads of a
 * process that dies at once may all see 0; a repeated record does no harm. */
static __always_inline void exited(const struct task_struct *task)
{
	struct exit_record *rec;

	if (BPF_CORE_READ(task, signal, live.counter))
		return;
	rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);
	if (!rec) {
		lost(WIRE_LOSS_RING_FULL, 0);
		return;
	}
	rec->hdr.version = WIRE_VERSION;
	rec->hdr.type = WIRE_EXIT;
	rec->hdr.len = sizeof(rec->exit);
	rec->exit.tgid = task->tgid;
	rec->exit.pad = 0;
	rec->exit.start_ns = task->group_leader->start_boottime;
	rec->exit.time_ns = bpf_jiffies64();
	bpf_ringbuf_submit(rec, wake(false));
}

PROGRAM_REPEATED("tp_btf/sched_process_exit", on_exit, TOKEN_EXIT, 0, exited(task), struct task_struct *task)
