/* The packer: a temporary file beside the target, checked to its last byte, synced, renamed. Nothing else in the tree writes HDF5. */
#include "record/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MOST_DATASETS = 4000 }; /* H5DSattach_scale fails at the 4,085th */

/* The directory of path, into out. */
static void directory_of(const char *path, char *out, size_t bytes) {
  const char *slash = strrchr(path, '/');
  if (!slash) snprintf(out, bytes, ".");
  else snprintf(out, bytes, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

/* What an uncompressed file takes, up to a little; and the number of its datasets that have runs. */
static double bytes_needed(const tw__pack *p, int64_t *n_datasets) {
  const tw_sweep *s = p->s;
  double runs = (double)s->n_rows, bytes = 1 << 20;
  uint32_t parameters = 0;
  for (size_t i = 0; i < s->n_rows; i++) {
    const tw_run *r = &s->rows[i]->run;
    bytes += 3 * (double)(r->text.n + r->message.n + r->log.n) + 64 * (double)r->n_values + 128;
    if (r->n_values > parameters) parameters = r->n_values;
  }
  int64_t columns = 20 + (int64_t)(s->n_streams + s->n_results) + parameters;
  for (size_t k = 0; k < s->n_variables; k++) {
    const tw_variable *v = &s->variables[k];
    bytes += runs * (double)s->streams[v->stream_index].length * (double)v->elements * (double)tw_column_item(v->type);
    columns += v->ndim ? 1 : 1 + TW_N_SUMMARIES;
  }
  for (size_t k = 0; k < s->n_streams; k++)
    if (!s->streams[k].shared) bytes += runs * (double)s->streams[k].length * 8;
  for (size_t i = 0; i < s->n_meta; i++) bytes += 2 * (double)s->meta[i].text.n + 1024;
  *n_datasets = columns;
  return bytes + (double)columns * (runs * 8 + 2048);
}

static void check_room(tw__pack *p, const char *directory) {
  int64_t n;
  double need = bytes_needed(p, &n);
  struct statvfs fs;
  if (n > MOST_DATASETS) {
    p->status = tw_fail(p->e, TW_EINVAL, "pack: too many variables for one file: the sweep has %lld, the most is %d", (long long)n, MOST_DATASETS);
    return;
  }
  if (p->options->compress > 0 || statvfs(directory, &fs) != 0) return;
  double room = (double)fs.f_bavail * (double)fs.f_frsize;
  if (room < need)
    p->status = tw_fail(p->e, TW_EIO, "pack: not enough room in %s: %.0f MB needed, %.0f MB free", directory, need / 1e6 + 1, room / 1e6);
}

static hid_t create_file(tw__pack *p) {
  if (!tw__pack_ok(p)) return -1;
  hid_t create = H5Pcreate(H5P_FILE_CREATE), access = H5Pcreate(H5P_FILE_ACCESS), file = -1;
  if (tw__pack_ordered(create, true) && access >= 0 && H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18) >= 0 &&
      H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
    file = H5Fcreate(p->path, H5F_ACC_TRUNC, create, access);
  if (file < 0) tw__pack_failed(p, "create");
  if (create >= 0) H5Pclose(create);
  if (access >= 0) H5Pclose(access);
  return file;
}

static void write_parts(tw__pack *p) {
  p->steps = tw__pack_take(p, p->s->n_streams * sizeof *p->steps);
  for (size_t k = 0; k < p->s->n_streams && p->steps; k++) p->steps[k] = -1;
  if (!tw__pack_ok(p)) return;
  tw__pack_axes(p);
  hid_t provenance = tw__pack_group(p, p->file, "provenance"), plan = tw__pack_group(p, provenance, "plan"), labels = tw__pack_group(p, plan, "labels");
  tw__pack_parameters(p, labels);
  tw__pack_columns(p);
  tw__pack_traces(p);
  tw__pack_results(p);
  const tw_text *logs = tw__pack_logs(p);
  tw__pack_provenance(p, provenance, plan, logs);
  tw__pack_failures(p, logs);
  tw__pack_attributes(p);
  tw__pack_close(p, labels);
  tw__pack_close(p, plan);
  tw__pack_close(p, provenance);
  for (size_t k = 0; k < p->s->n_streams; k++) tw__pack_close(p, p->steps[k]);
  tw__pack_close(p, p->run);
}

static void sync_path(tw__pack *p, const char *path, int flags) {
  if (!tw__pack_ok(p)) return;
  int fd = open(path, flags | O_CLOEXEC);
  if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL)) p->status = tw_fail_errno(p->e, "pack", path);
  if (fd >= 0) close(fd);
}

tw_status tw_sweep_pack(tw_sweep *s, const char *path, const tw_pack_options *options, tw_error *e) {
  char temporary[1200], directory[1200];
  int n = snprintf(temporary, sizeof temporary, "%s.tmp", path);
  if (n < 0 || (size_t)n >= sizeof temporary) return tw_fail(e, TW_EINVAL, "pack: path is too long: %s", path);
  if (s->n_rows == 0) return tw_fail(e, TW_EINVAL, "pack: the sweep has no runs");
  if (options->compress < 0 || options->compress > 9)
    return tw_fail(e, TW_EINVAL, "pack: compress is out of range: compress is %d; use 0 to 9", options->compress);
  directory_of(path, directory, sizeof directory);
  tw__h5_quiet();
  tw__pack p = {.s = s, .options = options, .path = temporary, .e = e, .file = -1, .run = -1, .coordinates = {"", 0}};
  check_room(&p, directory);
  p.file = create_file(&p);
  if (tw__pack_ok(&p)) write_parts(&p);
  if (p.file >= 0 && H5Fclose(p.file) < 0) tw__pack_failed(&p, "close");
  sync_path(&p, temporary, O_RDONLY);
  if (tw__pack_ok(&p) && rename(temporary, path) != 0) p.status = tw_fail_errno(e, "pack", path);
  if (!tw__pack_ok(&p)) unlink(temporary);
  else sync_path(&p, directory, O_RDONLY | O_DIRECTORY);
  tw__arena_free(&p.arena);
  return p.status;
}
