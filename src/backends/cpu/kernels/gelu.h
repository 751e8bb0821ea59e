// GELU for results that are rounded to bfloat16: x Phi(x), Phi the normal distribution, as x (1/2 + x P(x^2)) with a
// minimax polynomial on |x| <= kGeluBound, whose end values stand for everything beyond. The error is
// below 6e-5, or 1e-5 of a result above 6 (a test checks it).
#pragma once

namespace svd::kernels {

inline constexpr float kGeluBound = 4.5f;
inline constexpr float kGeluPolynomial[] = {  // of x^2, highest power first
    -1.7262864315e-12f, 2.0223997477e-10f,  -1.0566941099e-08f, 3.2788878457e-07f,  -6.8136832851e-06f,
    1.0173373448e-04f,  -1.1427137069e-03f, 9.8917698488e-03f,  -6.6420674324e-02f, 3.9892467856e-01f};

}  // namespace svd::kernels
