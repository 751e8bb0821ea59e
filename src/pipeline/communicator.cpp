#include "pipeline/communicator.h"

#include "base/fail.h"

namespace svd {

void Agreement::go_on() {
  if (!communicator_.any(false)) return;
  ended_ = true;
  fail(ErrorCode::cancelled, "process {} of {} stopped because another one did; its message says why",
       communicator_.rank(), communicator_.size());
}

// The others are in go_on(), or on their way there: every wait begins with it.
void Agreement::leave() noexcept {
  if (ended_) return;
  ended_ = true;
  try {
    communicator_.any(true);
  } catch (...) {  // nobody is left to tell
  }
}

}  // namespace svd
