// The table of request fields: what it says of each is what the library does with it.
#include "svd/request_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "pipeline/settings.h"
#include "support/message_of.h"

namespace svd::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A request in which the field applies.
Request request_with(const RequestField& field) {
  Request request{.image = {64, 64, std::vector<uint8_t>(64 * 64 * 3)}};
  if (!field.chosen_by.empty()) request_field(field.chosen_by).set(request, field.owners().front());
  return request;
}

bool is_number(const RequestField& field) {
  return field.type == FieldType::whole_number || field.type == FieldType::number;
}

TEST(RequestFields, NamesAreUniqueAndTextsThere) {
  std::set<std::string_view> names;
  for (const RequestField& field : request_fields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_FALSE(field.help.empty() || field.group.empty()) << field.name;
    EXPECT_FALSE(field.help.ends_with('.')) << field.name;
    EXPECT_LE(field.help.size(), 72u) << field.name;
  }
  EXPECT_THAT(message_of(ErrorCode::invalid_argument, [] { request_field("fps"); }),
              HasSubstr("fps: there is no such"));
}

TEST(RequestFields, EachIsBoundToAMemberOfItsOwn) {
  for (const RequestField& field : request_fields()) {
    Request request = request_with(field);
    const auto others = [&] {
      std::string text;
      for (const RequestField& other : request_fields()) {
        if (other.name != field.name) text += to_string(other.get(request)) + ",";
      }
      return text;
    };
    const std::string before = others();
    FieldValue value = field.max;
    if (field.type == FieldType::yes_or_no) value = false;
    if (field.type == FieldType::choice) value = field.choices().back();
    field.set(request, value);
    EXPECT_EQ(field.get(request), value) << field.name;
    EXPECT_EQ(others(), before) << field.name;
    field.set(request, {});
    EXPECT_EQ(field.get(request), field.get(Request())) << field.name;
  }
}

TEST(RequestFields, DefaultsAreAllowedAndWhatTheReferenceHas) {
  for (const RequestField& field : request_fields()) {
    for (const Version version : all_versions()) {
      EXPECT_TRUE(field.accepts(field.default_value(version))) << field.name << " of " << defaults_of(version).name;
    }
  }
  const auto text = [](std::string_view name) { return request_field(name).default_text(); };
  EXPECT_EQ(text("motion_bucket_id"), "127");
  EXPECT_EQ(text("cond_aug"), "0.02");
  EXPECT_EQ(text("num_frames"), "14 (svd...), 25 (svd_xt...)");
  EXPECT_EQ(text("max_scale"), "2.5 (svd...), 3 (svd_xt...)");
  EXPECT_EQ(text("sampler"), "EulerEDMSampler");
  EXPECT_EQ(text("s_tmax"), "999");
  EXPECT_EQ(text("watermark"), "true");
}

TEST(RequestFields, SetRefusesWhatTheyDoNotAccept) {
  Request request;
  const auto refused = [&](const char* name, const FieldValue& value) {
    return message_of(ErrorCode::invalid_argument, [&] { request_field(name).set(request, value); });
  };
  EXPECT_EQ(refused("motion_bucket_id", 512.0), "motion_bucket_id: expected a whole number from 0 to 511, found 512");
  EXPECT_EQ(refused("motion_bucket_id", 1.5), "motion_bucket_id: expected a whole number from 0 to 511, found 1.5");
  EXPECT_EQ(refused("motion_bucket_id", true), "motion_bucket_id: expected a whole number from 0 to 511, found true");
  EXPECT_EQ(refused("cond_aug", NAN), "cond_aug: expected a number from 0 to 100, found nan");
  EXPECT_EQ(refused("watermark", 1.0), "watermark: expected true or false, found 1");
  EXPECT_EQ(refused("discretization", std::string_view("EDM")),
            "discretization: expected one of EDMDiscretization, LegacyDDPMDiscretization, found EDM");
  EXPECT_EQ(request.motion_bucket_id, 127);
}

// The library's own check, for members that were set without the table.
TEST(RequestFields, RequestsAreHeldAgainstTheirRanges) {
  for (const RequestField& field : request_fields()) {
    if (!is_number(field)) continue;
    const double step = field.type == FieldType::whole_number ? 1 : 0.01 * field.max;
    for (const double value : {field.min, field.max}) {
      Request request = request_with(field);
      field.binding.set(request, value);
      EXPECT_NO_THROW(check_fields(request)) << field.name;
    }
    for (const double value : {field.min - step, field.max + step}) {
      Request request = request_with(field);
      field.binding.set(request, value);
      const std::string message = message_of(ErrorCode::invalid_argument, [&] { resolve(request, Version::svd); });
      EXPECT_THAT(message, testing::StartsWith(std::string(field.name) + ": expected " + field.allowed_values()));
    }
  }
}

TEST(RequestFields, ParametersBelongToSomeChoices) {
  EXPECT_THAT(request_field("eta").owners(), ElementsAre("EulerAncestralSampler", "DPMPP2SAncestralSampler"));
  EXPECT_THAT(request_field("s_churn").owners(), ElementsAre("EulerEDMSampler", "HeunEDMSampler"));
  EXPECT_THAT(request_field("scale").owners(), ElementsAre("VanillaCFG"));
  EXPECT_THAT(request_field("fps_id").owners(), IsEmpty());
  const Request complete = with_defaults({.guider = {.min_scale = 1.25f}}, Version::svd_xt);
  EXPECT_EQ(complete.num_frames, 25);
  EXPECT_EQ(complete.guider.min_scale, 1.25f);
  EXPECT_EQ(complete.guider.max_scale, 3.0f);
  EXPECT_FALSE(complete.guider.scale);
  EXPECT_FALSE(complete.sampler.eta);
}

}  // namespace
}  // namespace svd::test
