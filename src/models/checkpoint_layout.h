// Every tensor of a checkpoint in Stability AI's layout.
#pragma once

#include "checkpoint/synthetic.h"
#include "models/config.h"

namespace svd {

// Names and shapes: what the models bind, and what the published files contain besides (the queries and keys of the
// one-token attention, the unused halves of the two autoencoders and, when asked for, CLIP's text side).
enum class TextSide { no, yes };
ShapeList checkpoint_layout(const StableVideoConfig& config, TextSide text);

}  // namespace svd
