/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.bpf.h - who is running: the key of an image, and the record that describes it (wire_exec).
 *
 * The path is walked here, dentry by dentry, because it must be the one that was executed: a moment later the
 * file may have another name or none, and bpf_d_path is not allowed in tracepoints.
 */
#ifndef FEMTOSNITCH_IMAGE_BPF_H
#define FEMTOSNITCH_IMAGE_BPF_H

#include "bpf/maps.bpf.h"

#define NAME_SIZE 256	/* NAME_MAX and its NUL */
#define ARGV_SMALL 4096 /* command lines up to here go through the scratch record */
#define PATH_MASK (WIRE_PATH_MAX - 1)

#define SCRATCHES 2 /* per CPU: a program may have been preempted while it works in one */
#define SCRATCHES_MAX (EARLY ? SCRATCHES : 4) /* the collector makes the map so large where that is common */

struct path_walk {
	struct dentry *dentry;
	struct mount *mount;
	__u32 offset; /* written so far */
	__u32 done;
};

#define ENV_WORD 256 /* of one variable at a time */

struct env_walk {
	__u64 at, end;
	__u32 flags;
	__u32 inside; /* of a variable that is longer than a word */
	char word[ENV_WORD];
};

/* A record under construction: 8.6 KB. */
struct exec_scratch {
	__u32 busy;
	__u32 index;
	struct path_walk walk;
	struct env_walk env;
	struct wire_hdr hdr;
	struct wire_exec exec;
	char data[WIRE_PATH_MAX + NAME_SIZE + ARGV_SMALL];
};

/* A record with a long command line goes into the ring at full size: seven of them fill the default ring. */
struct exec_long {
	struct wire_hdr hdr;
	struct wire_exec exec;
	char data[WIRE_PATH_MAX + WIRE_ARGV_MAX];
};

#define SCRATCH_HDR __builtin_offsetof(struct exec_scratch, hdr)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SCRATCHES);
	__type(key, __u32);
	__type(value, struct exec_scratch);
} exec_scratch SEC(".maps") __weak;

/* Images whose wire_exec was sent when they first used the network; a collision only repeats a record. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SEEN_MAX);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps") __weak;

/* One of this CPU's that nobody works in, or NULL. */
static __always_inline struct exec_scratch *scratch_take(void)
{
	for (__u32 i = 0; i < SCRATCHES_MAX; i++) {
		__u32 index = i;
		struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &index);

		if (scratch && !swap(&scratch->busy, 1)) {
			scratch->index = i;
			return scratch;
		}
	}
	return NULL;
}

static __always_inline void scratch_give(struct exec_scratch *scratch)
{
	swap(&scratch->busy, 0);
}

/* The current task. Its members are read through these: the pointer may be followed straight away since Linux
 * 5.11, for a tenth of what a probe read costs. */
#if EARLY
#define TASK(task, member) BPF_CORE_READ(task, member)
static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}
#else
#define TASK(task, member) ((task)->member)
static __always_inline struct task_struct *current_task(void)
{
	return bpf_get_current_task_btf();
}
#endif

static __always_inline __u32 task_uid(const struct task_struct *task)
{
	const struct cred *cred = TASK(task, cred);

	return TASK(cred, uid.val);
}

static __always_inline __u32 task_netns(const struct task_struct *task)
{
	return EARLY ? BPF_CORE_READ(task, nsproxy, net_ns, ns.inum) : task->nsproxy->net_ns->ns.inum;
}

static __always_inline void image_key(const struct task_struct *task, struct wire_image_key *key)
{
	const struct task_struct *leader = TASK(task, group_leader);

	key->tgid = TASK(task, tgid);
	key->exec_id = TASK(task, self_exec_id);
	key->start_ns = TASK(leader, start_boottime);
}

/* The same for a task that is not a trusted pointer (a parent). */
static __always_inline void image_key_read(const struct task_struct *task, struct wire_image_key *key)
{
	key->tgid = BPF_CORE_READ(task, tgid);
	key->exec_id = BPF_CORE_READ(task, self_exec_id);
	key->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
}

static __always_inline bool image_same(const struct wire_image_key *a, const struct wire_image_key *b)
{
	return a->tgid == b->tgid && a->exec_id == b->exec_id && a->start_ns == b->start_ns;
}

static __always_inline void file_times(struct wire_file *to, const struct inode *inode)
{
	if (bpf_core_field_exists(inode->i_ctime_sec)) {
		to->ctime_s = BPF_CORE_READ(inode, i_ctime_sec);
		to->ctime_ns = BPF_CORE_READ(inode, i_ctime_nsec);
		to->mtime_s = BPF_CORE_READ(inode, i_mtime_sec);
		to->mtime_ns = BPF_CORE_READ(inode, i_mtime_nsec);
	} else {
		const struct inode___until_6_6 *old = (const void *)inode;
		const struct inode___6_6_to_6_10 *mid = (const void *)inode;

		if (bpf_core_field_exists(mid->__i_ctime)) {
			to->ctime_s = BPF_CORE_READ(mid, __i_ctime.tv_sec);
			to->ctime_ns = BPF_CORE_READ(mid, __i_ctime.tv_nsec);
		} else {
			to->ctime_s = BPF_CORE_READ(old, i_ctime.tv_sec);
			to->ctime_ns = BPF_CORE_READ(old, i_ctime.tv_nsec);
		}
		if (bpf_core_field_exists(mid->__i_mtime)) {
			to->mtime_s = BPF_CORE_READ(mid, __i_mtime.tv_sec);
			to->mtime_ns = BPF_CORE_READ(mid, __i_mtime.tv_nsec);
		} else {
			to->mtime_s = BPF_CORE_READ(old, i_mtime.tv_sec);
			to->mtime_ns = BPF_CORE_READ(old, i_mtime.tv_nsec);
		}
	}
	to->ctime_ns &= 0x7fffffff; /* bit 31 is a flag of multigrain timestamps (6.13) */
}

static __always_inline void file_identity(struct wire_exec *exec, const struct file *file)
{
	const struct inode *inode = BPF_CORE_READ(file, f_inode);

	exec->file.ino = BPF_CORE_READ(inode, i_ino);
	exec->file.size_bytes = BPF_CORE_READ(inode, i_size);
	exec->file.dev = BPF_CORE_READ(inode, i_sb, s_dev);
	exec->file.generation = BPF_CORE_READ(inode, i_generation);
	file_times(&exec->file, inode);
	if (BPF_CORE_READ(inode, i_nlink) == 0)
		exec->flags |= WIRE_EXEC_UNLINKED;
}

static __always_inline bool path_name(struct exec_scratch *scratch, const struct dentry *dentry)
{
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	__u32 at = scratch->walk.offset;
	long n;

	if (at >= WIRE_PATH_MAX - NAME_SIZE)
		return false;
	n = bpf_probe_read_kernel_str(scratch->data + (at & PATH_MASK), NAME_SIZE, name);
	if (n <= 0)
		return false;
	scratch->walk.offset = at + n;
	return true;
}

/* One component, or one mount crossed, towards the root of the process's mount namespace. */
static __always_inline long path_step(__u32 i, struct exec_scratch *scratch)
{
	struct path_walk *walk = &scratch->walk;
	struct dentry *dentry = walk->dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	struct mount *mount = walk->mount;

	if (dentry == BPF_CORE_READ(mount, mnt.mnt_root) || dentry == parent) {
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount) {
			/* memfd and the like: a file that is the root of its own tree, but has a name */
			if (i == 0) {
				path_name(scratch, dentry);
				if (scratch->exec.flags & WIRE_EXEC_UNLINKED)
					scratch->exec.flags |= WIRE_EXEC_MEMFD;
			}
			walk->done = 1;
			return 1;
		}
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mount = above;
		return 0;
	}
	if (!path_name(scratch, dentry))
		return 1;
	walk->dentry = parent;
	return 0;
}

#if EARLY /* bpf_loop: Linux 5.17 */
#define PATH_STEPS 48
static __always_inline void walk_steps(struct exec_scratch *scratch)
{
	for (__u32 i = 0; i < PATH_STEPS; i++)
		if (path_step(i, scratch))
			break;
}
#else
#define PATH_STEPS 512 /* components and mounts; a path has at most 2,048 components of one letter */
/* The scratch is looked up again: the verifier does not know what a pointer in bpf_loop's context points to.
 */
static long path_loop(__u32 i, __u32 *index)
{
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, index);

	return scratch ? path_step(i, scratch) : 1;
}

static __always_inline void walk_steps(struct exec_scratch *scratch)
{
	__u32 index = scratch->index;

	bpf_loop(PATH_STEPS, path_loop, &index, 0);
}
#endif

/* Fills data; the length, which is below WIRE_PATH_MAX. */
static __always_inline __u32 path_write(struct exec_scratch *scratch, const struct file *file)
{
	struct path_walk *walk = &scratch->walk;

	walk->dentry = BPF_CORE_READ(file, f_path.dentry);
	walk->mount = (void *)BPF_CORE_READ(file, f_path.mnt) - bpf_core_field_offset(struct mount, mnt);
	walk->offset = 0;
	walk->done = 0;
	walk_steps(scratch);
	if (!walk->done)
		scratch->exec.flags |= WIRE_EXEC_PATH_CUT;
	scratch->exec.flags |= WIRE_EXEC_PATH_REVERSED;
	return walk->offset & PATH_MASK;
}

static __always_inline void exec_fill(struct wire_exec *exec, struct task_struct *task,
				      const struct file *file, enum wire_exec_source source)
{
	__builtin_memset(exec, 0, sizeof(*exec));
	image_key_read(task, &exec->image);
	image_key_read(BPF_CORE_READ(task, real_parent), &exec->parent);
	exec->time_ns = bpf_jiffies64();
	exec->cgroup_id = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	exec->cwd_ino = BPF_CORE_READ(task, fs, pwd.dentry, d_inode, i_ino);
	exec->root_ino = BPF_CORE_READ(task, fs, root.dentry, d_inode, i_ino);
	exec->uid = BPF_CORE_READ(task, cred, uid.val);
	exec->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	exec->mntns = BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum);
	exec->source = source;
	bpf_probe_read_kernel_str(exec->comm, sizeof(exec->comm),
				  (void *)task + bpf_core_field_offset(struct task_struct, comm));
	if (BPF_CORE_READ(task, ptrace))
		exec->flags |= WIRE_EXEC_TRACED;
	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		exec->flags |= WIRE_EXEC_KERNEL;
	else if (!file)
		exec->flags |= WIRE_EXEC_NO_FILE;
	else
		file_identity(exec, file);
}

/* The arguments of the current process, which execve(2) has just written, so they are in memory. The last
 * byte is set to NUL: a process may have overwritten its arguments. */
static __always_inline __u32 argv_read(struct wire_exec *exec, char *to, const struct mm_struct *mm,
				       __u32 max)
{
	unsigned long start = BPF_CORE_READ(mm, arg_start), end = BPF_CORE_READ(mm, arg_end);
	__u64 len = end - start;

	if (end <= start)
		return 0;
	if (len > max) {
		len = max;
		exec->flags |= WIRE_EXEC_ARGV_CUT;
	}
	if (bpf_probe_read_user(to, len, (void *)start)) {
		exec->flags |= WIRE_EXEC_ARGV_UNREAD;
		lost(WIRE_LOSS_USER_READ, 0);
		return 0;
	}
	return len;
}

/* ---- the environment: only whether the dynamic loader is told to load more than the program asks for */

#define LD_PRELO 0x4f4c4552505f444cull /* "LD_PRELO" and "LD_AUDIT" as numbers, little-endian */
#define LD_AUDIT 0x54494455415f444cull

static __always_inline __u32 env_flag(const char *word)
{
	__u64 begin = *(const __u64 *)word;

	if (begin == LD_PRELO && word[8] == 'A' && word[9] == 'D' && word[10] == '=' && word[11])
		return WIRE_EXEC_LD_PRELOAD;
	return begin == LD_AUDIT && word[8] == '=' && word[9] ? WIRE_EXEC_LD_AUDIT : 0;
}

/* One variable, or the next piece of one. */
static __always_inline long env_step(struct env_walk *env)
{
	long n;

	if (env->at >= env->end)
		return 1;
	n = bpf_probe_read_user_str(env->word, ENV_WORD, (void *)env->at);
	if (n <= 0)
		return 1;
	if (!env->inside)
		env->flags |= env_flag(env->word);
	env->inside = n == ENV_WORD;
	env->at += n - env->inside;
	return 0;
}

#if EARLY
#define ENV_STEPS 64
static __always_inline void env_steps(struct exec_scratch *scratch)
{
	for (__u32 i = 0; i < ENV_STEPS; i++)
		if (env_step(&scratch->env))
			break;
}
#else
#define ENV_STEPS 2048
static long env_loop(__u32 i, __u32 *index)
{
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, index);

	return scratch ? env_step(&scratch->env) : 1;
}

static __always_inline void env_steps(struct exec_scratch *scratch)
{
	__u32 index = scratch->index;

	bpf_loop(ENV_STEPS, env_loop, &index, 0);
}
#endif

/* Into the flags of that scratch. A global function: see describe_current(). */
__weak __noinline int env_read(__u32 index)
{
	struct exec_scratch *scratch = bpf_map_lookup_elem(&exec_scratch, &index);
	struct task_struct *task = current_task();

	if (!scratch)
		return 0;
	scratch->env.at = BPF_CORE_READ(task, mm, env_start);
	scratch->env.end = BPF_CORE_READ(task, mm, env_end);
	scratch->env.flags = 0;
	scratch->env.inside = 0;
	env_steps(scratch);
	scratch->exec.flags |= scratch->env.flags;
	if (scratch->env.at < scratch->env.end)
		scratch->exec.flags |= WIRE_EXEC_ENV_CUT;
	return 0;
}

#define EXEC_HDR_SIZE (sizeof(struct wire_hdr) + sizeof(struct wire_exec))

/* The command line does not fit the scratch: reserve the largest record there is. False: no room in the ring,
 * the caller sends it with a cut command line. */
static __always_inline bool exec_send_long(struct exec_scratch *scratch, const struct mm_struct *mm,
					   __u32 path_len, __u64 wake_flags)
{
	struct exec_long *rec = bpf_ringbuf_reserve(&ring, sizeof(*rec), 0);
	__u32 argv_len;

	if (!rec)
		return false;
	rec->hdr = scratch->hdr;
	rec->exec = scratch->exec;
	path_len &= PATH_MASK;
	bpf_probe_read_kernel(rec->data, path_len, scratch->data);
	argv_len = argv_read(&rec->exec, rec->data + path_len, mm, WIRE_ARGV_MAX);
	rec->exec.path_len = path_len;
	rec->exec.argv_len = argv_len;
	rec->hdr.len = sizeof(rec->exec) + path_len + argv_len;
	bpf_ringbuf_submit(rec, wake_flags);
	return true;
}

/* Describe the current process, whose executable is file (NULL: kernel thread, or none). False: lost. */
static __noinline bool exec_send(struct task_struct *task, const struct file *file, __u32 source, __u32 flags)
{
	__u64 wake_flags = wake(true);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct exec_scratch *scratch = scratch_take();
	__u32 path_len = 0, argv_len = 0;
	unsigned long size;
	bool sent = true;

	if (!scratch) {
		lost(WIRE_LOSS_RECURSION, 0);
		return false;
	}
	scratch->hdr.version = WIRE_VERSION;
	scratch->hdr.type = WIRE_EXEC;
	exec_fill(&scratch->exec, task, file, source);
	scratch->exec.flags |= flags;
	if (file)
		path_len = path_write(scratch, file);
	path_len &= PATH_MASK;
	if (mm)
		env_read(scratch->index);
	if (mm && BPF_CORE_READ(mm, arg_end) - BPF_CORE_READ(mm, arg_start) > ARGV_SMALL &&
	    exec_send_long(scratch, mm, path_len, wake_flags))
		goto out;
	if (mm)
		argv_len = argv_read(&scratch->exec, scratch->data + path_len, mm, ARGV_SMALL);
	scratch->exec.path_len = path_len;
	scratch->exec.argv_len = argv_len;
	size = path_len + argv_len + sizeof(struct wire_exec);
	scratch->hdr.len = size;
	size += sizeof(struct wire_hdr);
	if (size > sizeof(*scratch) - SCRATCH_HDR)
		size = sizeof(*scratch) - SCRATCH_HDR;
	if (bpf_ringbuf_output(&ring, &scratch->hdr, size, wake_flags)) {
		lost(WIRE_LOSS_RING_FULL, 0);
		sent = false;
	}
out:
	scratch_give(scratch);
	return sent;
}

/* The current process, as it is now: 1, or 0 if that was lost. A global function, which the verifier looks at
 * once rather than at each place that it is called from. */
__weak __noinline int describe_current(__u32 source)
{
	struct task_struct *task = current_task();

	return exec_send(task, BPF_CORE_READ(task, mm, exe_file), source, 0);
}

/* An image uses the network: describe it once. This repeats its exec record, and is the only word about it if
 * that was lost or the process is a fork whose record was lost. */
static __noinline __attribute__((unused)) void image_uses_network(struct task_struct *task,
								  const struct wire_image_key *key)
{
	__u64 hash = key->start_ns ^ ((__u64)key->tgid << 32) ^ ((__u64)key->exec_id * 0x9E3779B97F4A7C15ull);
	__u32 at = (hash ^ (hash >> 32)) & (SEEN_MAX - 1);
	__u64 *known = bpf_map_lookup_elem(&seen, &at);

	if (!known || *known == hash || key->tgid != (__u32)TASK(task, tgid))
		return; /* known, the kernel itself, or a kernel thread at work for another */
	if (describe_current(WIRE_EXEC_NETWORK))
		*known = hash;
}

#endif
