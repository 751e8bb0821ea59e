// Undefined behaviour ends a run, as a crash does; by itself the sanitizer would only print it and go on.

extern "C" const char* __ubsan_default_options();  // the sanitizer's runtime asks for it

extern "C" const char* __ubsan_default_options() { return "halt_on_error=1:print_stacktrace=1"; }
