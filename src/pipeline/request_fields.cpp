// The table of a request's fields. An entry's comment says why its range is what it is.
#include "svd/request_fields.h"

#include <algorithm>
#include <array>

#include "base/fail.h"
#include "diffusion/sampler.h"
#include "diffusion/schedule.h"
#include "pipeline/request_binding.h"

namespace svd {
namespace {

constexpr std::string_view kVideo = "Video", kSampling = "Sampling", kMachine = "Machine", kOutput = "Input and output";

// What a sampler's parameter that is left out stands for is said where the sampler is.
template <auto parameter>
FieldValue churn_default(const VersionDefaults&) {
  return Churn{}.*parameter;
}
template <auto parameter>
FieldValue edm_default(const VersionDefaults&) {
  return EDMDiscretization{}.*parameter;
}
template <auto member>
FieldValue of_version(const VersionDefaults& version) {
  return to_field_value(version.*member);
}

template <SamplerKind... kinds>
bool sampler_is(const Request& request) {
  return ((request.sampler.kind == kinds) || ...);
}
template <DiscretizationKind... kinds>
bool discretization_is(const Request& request) {
  return ((request.discretization.kind == kinds) || ...);
}
template <GuiderKind... kinds>
bool guider_is(const Request& request) {
  return ((request.guider.kind == kinds) || ...);
}

constexpr auto kChurned = &sampler_is<SamplerKind::euler_edm, SamplerKind::heun_edm>;
constexpr auto kAncestral = &sampler_is<SamplerKind::euler_ancestral, SamplerKind::dpmpp_2s_ancestral>;
constexpr auto kNoisy = &sampler_is<SamplerKind::euler_edm, SamplerKind::heun_edm, SamplerKind::euler_ancestral,
                                    SamplerKind::dpmpp_2s_ancestral>;
constexpr auto kMultistep = &sampler_is<SamplerKind::linear_multistep>;
constexpr auto kEdm = &discretization_is<DiscretizationKind::edm>;
constexpr auto kPrediction = &guider_is<GuiderKind::linear_prediction, GuiderKind::triangle_prediction>;
constexpr auto kVanilla = &guider_is<GuiderKind::vanilla>;

constexpr std::array kFields = {
    // Far beyond what the models can do, and small enough that no size overflows.
    RequestField{.name = "num_frames",
                 .type = FieldType::whole_number,
                 .group = kVideo,
                 .min = 1,
                 .max = 1024,
                 .help = "Frames of the video",
                 .binding = bound<&Request::num_frames>(),
                 .when_left_out = of_version<&VersionDefaults::num_frames>},
    // LegacyDDPMDiscretization has 1000 levels.
    RequestField{.name = "num_steps",
                 .type = FieldType::whole_number,
                 .group = kVideo,
                 .min = 1,
                 .max = 1000,
                 .help = "Denoising steps",
                 .binding = bound<&Request::num_steps>(),
                 .when_left_out = of_version<&VersionDefaults::num_steps>},
    // The reference's script takes any number. A video file has at most 120 frames per second (Video::fps).
    RequestField{.name = "fps_id",
                 .type = FieldType::whole_number,
                 .group = kVideo,
                 .min = 0,
                 .max = 1000,
                 .help = "Frame rate the model is told, minus one; 5 to 30 work well",
                 .binding = bound<&Request::fps_id>()},
    // The range of the reference's page, twice that of training (0 to 255, above which `svd sample` warns as the
    // reference's script does). The network takes any number but has learned nothing of larger ones; with one range for
    // all, what the command line makes the page and the API make too.
    RequestField{.name = "motion_bucket_id",
                 .type = FieldType::whole_number,
                 .group = kVideo,
                 .min = 0,
                 .max = 511,
                 .help = "Motion the model is told: larger moves more",
                 .details = "Trained from 0 to 255.",
                 .binding = bound<&Request::motion_bucket_id>()},
    // In units of the picture's [-1, 1]: at 100 nothing of it is left.
    RequestField{.name = "cond_aug",
                 .type = FieldType::number,
                 .group = kVideo,
                 .min = 0,
                 .max = 100,
                 .help = "Noise added to the picture: more lets the video stray further",
                 .details = "Standard deviation, in units of the picture's range from -1 to 1.",
                 .binding = bound<&Request::cond_aug>()},
    RequestField{.name = "sampler",
                 .type = FieldType::choice,
                 .group = kSampling,
                 .help = "Method that solves from noise to video",
                 .choices = names_of<SamplerKind>,
                 .binding = bound<&Request::sampler, &SamplerSettings::kind>()},
    RequestField{.name = "s_churn",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 0,
                 .max = 1000,
                 .help = "Noise added before steps, for the whole run",
                 .chosen_by = "sampler",
                 .belongs_to = kChurned,
                 .binding = bound<&Request::sampler, &SamplerSettings::s_churn>(),
                 .when_left_out = churn_default<&Churn::s_churn>},
    RequestField{.name = "s_tmin",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 0,
                 .max = 1000,
                 .help = "Lowest noise level at which s_churn adds noise",
                 .chosen_by = "sampler",
                 .belongs_to = kChurned,
                 .binding = bound<&Request::sampler, &SamplerSettings::s_tmin>(),
                 .when_left_out = churn_default<&Churn::s_tmin>},
    RequestField{.name = "s_tmax",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 0,
                 .max = 1000,
                 .help = "Highest noise level at which s_churn adds noise",
                 .chosen_by = "sampler",
                 .belongs_to = kChurned,
                 .binding = bound<&Request::sampler, &SamplerSettings::s_tmax>(),
                 .when_left_out = churn_default<&Churn::s_tmax>},
    RequestField{.name = "s_noise",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 0,
                 .max = 10,
                 .help = "Standard deviation of the added noise",
                 .chosen_by = "sampler",
                 .belongs_to = kNoisy,
                 .binding = bound<&Request::sampler, &SamplerSettings::s_noise>(),
                 .when_left_out = churn_default<&Churn::s_noise>},
    RequestField{.name = "eta",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 0,
                 .max = 10,
                 .help = "Share of the noise that is fresh",
                 .chosen_by = "sampler",
                 .belongs_to = kAncestral,
                 .binding = bound<&Request::sampler, &SamplerSettings::eta>(),
                 .when_left_out = [](const VersionDefaults&) -> FieldValue { return Ancestral{}.eta; }},
    RequestField{.name = "order",
                 .type = FieldType::whole_number,
                 .group = kSampling,
                 .min = 1,
                 .max = 10,
                 .help = "Steps it looks back",
                 .chosen_by = "sampler",
                 .belongs_to = kMultistep,
                 .binding = bound<&Request::sampler, &SamplerSettings::order>(),
                 .when_left_out = [](const VersionDefaults&) -> FieldValue { return 4.0; }},
    RequestField{.name = "discretization",
                 .type = FieldType::choice,
                 .group = kSampling,
                 .help = "Noise levels of the steps",
                 .choices = names_of<DiscretizationKind>,
                 .binding = bound<&Request::discretization, &DiscretizationSettings::kind>()},
    RequestField{.name = "sigma_min",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 1e-4,
                 .max = 1000,
                 .help = "Smallest noise level, below sigma_max",
                 .chosen_by = "discretization",
                 .belongs_to = kEdm,
                 .binding = bound<&Request::discretization, &DiscretizationSettings::sigma_min>(),
                 .when_left_out = edm_default<&EDMDiscretization::sigma_min>},
    RequestField{.name = "sigma_max",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 1e-4,
                 .max = 10000,
                 .help = "Largest noise level",
                 .chosen_by = "discretization",
                 .belongs_to = kEdm,
                 .binding = bound<&Request::discretization, &DiscretizationSettings::sigma_max>(),
                 .when_left_out = edm_default<&EDMDiscretization::sigma_max>},
    RequestField{.name = "rho",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 0.1,
                 .max = 100,
                 .help = "The larger, the more of the levels are small",
                 .chosen_by = "discretization",
                 .belongs_to = kEdm,
                 .binding = bound<&Request::discretization, &DiscretizationSettings::rho>(),
                 .when_left_out = edm_default<&EDMDiscretization::rho>},
    RequestField{.name = "guider",
                 .type = FieldType::choice,
                 .group = kSampling,
                 .help = "How guidance is spread over the frames",
                 .details = "IdentityGuider: no guidance, half the work.",
                 .choices = names_of<GuiderKind>,
                 .binding = bound<&Request::guider, &GuiderSettings::kind>()},
    RequestField{.name = "min_scale",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 0,
                 .max = 100,
                 .help = "Guidance at the first frame",
                 .chosen_by = "guider",
                 .belongs_to = kPrediction,
                 .binding = bound<&Request::guider, &GuiderSettings::min_scale>(),
                 .when_left_out = of_version<&VersionDefaults::min_guidance>},
    RequestField{.name = "max_scale",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 0,
                 .max = 100,
                 .help = "Guidance at the last frame (triangle: in the middle)",
                 .chosen_by = "guider",
                 .belongs_to = kPrediction,
                 .binding = bound<&Request::guider, &GuiderSettings::max_scale>(),
                 .when_left_out = of_version<&VersionDefaults::max_guidance>},
    RequestField{.name = "scale",
                 .type = FieldType::number,
                 .group = kSampling,
                 .min = 0,
                 .max = 100,
                 .help = "Guidance at all frames",
                 .chosen_by = "guider",
                 .belongs_to = kVanilla,
                 .binding = bound<&Request::guider, &GuiderSettings::scale>(),
                 .when_left_out = of_version<&VersionDefaults::max_guidance>},
    // There are never more frames than num_frames allows.
    RequestField{.name = "decoding_t",
                 .type = FieldType::whole_number,
                 .group = kMachine,
                 .min = 1,
                 .max = 1024,
                 .help = "Frames decoded at a time: fewer need less memory",
                 .details = "With a temporal decoder only frames that are decoded together see each other.",
                 .binding = bound<&Request::decoding_t>()},
    RequestField{.name = "watermark",
                 .type = FieldType::yes_or_no,
                 .group = kOutput,
                 .help = "The reference's invisible mark in every frame",
                 .binding = bound<&Request::watermark>()},
};

}  // namespace

std::span<const RequestField> request_fields() { return kFields; }

const RequestField& request_field(std::string_view name) {
  const auto it = std::ranges::find(kFields, name, &RequestField::name);
  if (it == kFields.end()) fail(ErrorCode::invalid_argument, "{}: there is no such field of a request", name);
  return *it;
}

}  // namespace svd
