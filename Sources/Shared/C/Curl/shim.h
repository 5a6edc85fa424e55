// libcurl's options and answers come through variadic functions, which Swift cannot call.
#define CURL_DISABLE_TYPECHECK
// What libc declares is to stay libc's, whichever module is loaded first: else Swift takes `timespec` to
// be declared here.
#if __has_feature(modules)
#pragma clang module import SwiftGlibc
#endif
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

static inline CURLcode curl_start(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

static inline CURLcode curl_set_number(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode curl_set_text(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}
static inline CURLcode curl_set_pointer(CURL *handle, CURLoption option, void *value) {
  return curl_easy_setopt(handle, option, value);
}

static inline long curl_proxy_status(CURL *handle) {
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_HTTP_CONNECTCODE, &status);
  return status;
}

typedef size_t (*curl_bytes_function)(char *, size_t, size_t, void *);
static inline CURLcode curl_set_bytes_function(CURL *handle, CURLoption option, curl_bytes_function value) {
  return curl_easy_setopt(handle, option, value);
}
typedef int (*curl_watch_function)(void *, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
static inline CURLcode curl_set_watch_function(CURL *handle, curl_watch_function value) {
  return curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, value);
}
typedef int (*curl_place_function)(void *, curl_off_t, int);
static inline CURLcode curl_set_place_function(CURL *handle, curl_place_function value) {
  return curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, value);
}

// Writing to a connection that the other side has closed is an error to report, not the end of the
// process: TLS writes without MSG_NOSIGNAL, so SIGPIPE is held back for this thread and thrown away.
static inline CURLcode curl_perform_quietly(CURL *handle) {
  sigset_t pipe, before, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  sigpending(&pending);
  int was_pending = sigismember(&pending, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  CURLcode code = curl_easy_perform(handle);
  const struct timespec now = {0, 0};
  if (!was_pending) while (sigtimedwait(&pipe, 0, &now) == SIGPIPE) {}
  pthread_sigmask(SIG_SETMASK, &before, 0);
  return code;
}
