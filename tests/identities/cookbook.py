"""Derivatives of chapter 2 of Petersen & Pedersen (PP), The Matrix Cookbook, version of 15 November 2012, by equation number.

An equation with a power that is a letter stands here with whole powers; its sum is written out.
"""

from identities.identity import Identity

# fmt: off
COOKBOOK = (
    # 2.1 determinants
    Identity("PP (46)", "A[n,n], B[n,n]", "derivative", "t", "det(A + t*B)", "det(A + t*B)*tr(inv(A + t*B)*B)"),
    Identity("PP (48)", "A[n,n], B[n,n], C[n,n], t, Y = A + t*B + t^2*C, R = inv(Y)*(B + 2*t*C)", "derivative", "t", "diff(det(Y), t)",
             "det(Y)*(2*tr(inv(Y)*C) + tr(R)^2 - tr(R*R))"),
    Identity("PP (49)", "X[n,n]", "gradient", "X", "det(X)", "det(X)*inv(X)'"),
    Identity("PP (51)", "A[n,n], B[n,n], X[n,n]", "gradient", "X", "det(A*X*B)", "det(A*X*B)*inv(X)'"),
    Identity("PP (52)", "A[n,n], X[n,n]", "gradient", "X", "det(X'*A*X)", "2*det(X'*A*X)*inv(X)'"),
    Identity("PP (53)", "A[m,m] symmetric, X[m,n]", "gradient", "X", "det(X'*A*X)", "2*det(X'*A*X)*A*X*inv(X'*A*X)"),
    Identity("PP (54)", "A[m,m], X[m,n]", "gradient", "X", "det(X'*A*X)", "det(X'*A*X)*(A*X*inv(X'*A*X) + A'*X*inv(X'*A'*X))"),
    Identity("PP (55)", "X[m,n]", "gradient", "X", "logdet(X'*X)", "2*X*inv(X'*X)"),
    Identity("PP (57)", "X[n,n]", "gradient", "X", "log(abs(det(X)))", "inv(X)'"),
    Identity("PP (58)", "X[n,n]", "gradient", "X", "det(X^3)", "3*det(X^3)*inv(X)'"),
    # 2.2 inverses
    Identity("PP (59)", "A[n,n], B[n,n]", "derivative", "t", "inv(A + t*B)", "-inv(A + t*B)*B*inv(A + t*B)"),
    Identity("PP (60)", "X[n,n]", "jacobian", "X", "inv(X)", "-kron(inv(X)', inv(X))"),
    Identity("PP (61)", "a[n], b[n], X[n,n]", "gradient", "X", "a'*inv(X)*b", "-inv(X)'*a*b'*inv(X)'"),
    Identity("PP (62)", "X[n,n]", "gradient", "X", "det(inv(X))", "-det(inv(X))*inv(X)'"),
    Identity("PP (63)", "A[m,n], B[n,m], X[n,n]", "gradient", "X", "tr(A*inv(X)*B)", "-(inv(X)*B*A*inv(X))'"),
    Identity("PP (64)", "A[n,n], X[n,n]", "gradient", "X", "tr(inv(X + A))", "-(inv(X + A)*inv(X + A))'"),
    # 2.4.1 first order
    Identity("PP (69)", "a[n], x[n]", "gradient", "x", "x'*a", "a"),
    Identity("PP (70)", "a[m], b[n], X[m,n]", "gradient", "X", "a'*X*b", "a*b'"),
    Identity("PP (71)", "a[n], b[m], X[m,n]", "gradient", "X", "a'*X'*b", "b*a'"),
    Identity("PP (72)", "a[n], X[n,n]", "gradient", "X", "a'*X*a", "a*a'"),
    Identity("PP (73)", "X[m,n]", "jacobian", "X", "X", "eye(m*n)"),
    Identity("PP (74)", "A[n,k], X[m,n]", "jacobian", "X", "X*A", "kron(A', eye(m))"),
    Identity("PP (75)", "A[m,k], X[m,n]", "jacobian", "X", "X'*A", "kron(A', eye(n))*commut(m, n)"),
    # 2.4.2 second order
    Identity("PP (76)", "X[m,n]", "gradient", "X", "sum(X)^2", "2*sum(X)*ones(m, n)"),
    Identity("PP (77)", "b[n], c[n], X[m,n]", "gradient", "X", "b'*X'*X*c", "X*(b*c' + c*b')"),
    Identity("PP (78)", "B[m,n], b[m], C[m,k], D[k,n], d[k], x[n]", "gradient", "x", "(B*x + b)'*C*(D*x + d)",
             "B'*C*(D*x + d) + D'*C'*(B*x + b)"),
    Identity("PP (79), (80)", "B[m,m], X[m,n]", "jacobian", "X", "X'*B*X", "kron(eye(n), X'*B) + kron((B*X)', eye(n))*commut(m, n)"),
    Identity("PP (81)", "B[n,n], x[n]", "gradient", "x", "x'*B*x", "(B + B')*x"),
    Identity("PP (82)", "b[n], c[n], D[m,m], X[m,n]", "gradient", "X", "b'*X'*D*X*c", "D'*X*b*c' + D*X*c*b'"),
    Identity("PP (83)", "b[n], c[m], D[m,m], X[m,n]", "gradient", "X", "(X*b + c)'*D*(X*b + c)", "(D + D')*(X*b + c)*b'"),
    Identity("PP (84)", "A[m,n], W[m,m] symmetric, s[n], x[m]", "gradient", "s", "(x - A*s)'*W*(x - A*s)", "-2*A'*W*(x - A*s)"),
    Identity("PP (85)", "W[n,n] symmetric, s[n], x[n]", "gradient", "x", "(x - s)'*W*(x - s)", "2*W*(x - s)"),
    Identity("PP (86)", "W[n,n] symmetric, s[n], x[n]", "gradient", "s", "(x - s)'*W*(x - s)", "-2*W*(x - s)"),
    Identity("PP (87)", "A[m,n], W[m,m] symmetric, s[n], x[m]", "gradient", "x", "(x - A*s)'*W*(x - A*s)", "2*W*(x - A*s)"),
    Identity("PP (88)", "A[m,n], W[m,m] symmetric, s[n], x[m]", "gradient", "A", "(x - A*s)'*W*(x - A*s)", "-2*W*(x - A*s)*s'"),
    # 2.4.3 higher order
    Identity("PP (90)", "X[n,n]", "jacobian", "X", "X^2", "kron(X', eye(n)) + kron(eye(n), X)"),
    Identity("PP (90)", "X[n,n]", "jacobian", "X", "X^3", "kron((X^2)', eye(n)) + kron(X', X) + kron(eye(n), X^2)"),
    Identity("PP (91)", "a[n], b[n], X[n,n]", "gradient", "X", "a'*X^2*b", "a*b'*X' + X'*a*b'"),
    Identity("PP (91)", "a[n], b[n], X[n,n]", "gradient", "X", "a'*X^3*b", "a*b'*(X^2)' + X'*a*b'*X' + (X^2)'*a*b'"),
    Identity("PP (91)", "a[n], b[n], X[n,n]", "gradient", "X", "a'*X^4*b",
             "a*b'*(X^3)' + X'*a*b'*(X^2)' + (X^2)'*a*b'*X' + (X^3)'*a*b'"),
    Identity("PP (92)", "a[n], b[n], X[n,n]", "gradient", "X", "a'*(X^2)'*X^2*b",
             "X^2*b*a'*X' + X'*X^2*b*a' + X^2*a*b'*X' + X'*X^2*a*b'", "put right: see MISPRINTS"),
    Identity("PP (93)", "A[m,k], B[m,n], C[k,n], x[n]", "gradient", "x", "tanh(B*x)'*A*sin(C*x)",
             "B'*((1 - tanh(B*x).^2).*(A*sin(C*x))) + C'*(cos(C*x).*(A'*tanh(B*x)))"),
    Identity("PP (94), (95)", "A[m,n], B[n,n], x[n]", "gradient", "x", "norm2(A*x)^2/norm2(B*x)^2",
             "2*A'*A*x/(x'*B'*B*x) - 2*(x'*A'*A*x)*B'*B*x/(x'*B'*B*x)^2", "put right: see MISPRINTS"),
    # 2.4.4 gradient and Hessian
    Identity("PP (97)", "A[n,n], b[n], x[n]", "gradient", "x", "x'*A*x + b'*x", "(A + A')*x + b"),
    Identity("PP (98)", "A[n,n], b[n], x[n]", "hessian", "x", "x'*A*x + b'*x", "A + A'"),
    # 2.5.1 traces, first order
    Identity("PP (99)", "X[n,n]", "gradient", "X", "tr(X)", "eye(n)"),
    Identity("PP (100)", "A[n,m], X[m,n]", "gradient", "X", "tr(X*A)", "A'"),
    Identity("PP (101)", "A[k,m], B[n,k], X[m,n]", "gradient", "X", "tr(A*X*B)", "A'*B'"),
    Identity("PP (102)", "A[k,n], B[m,k], X[m,n]", "gradient", "X", "tr(A*X'*B)", "B*A"),
    Identity("PP (103)", "A[m,n], X[m,n]", "gradient", "X", "tr(X'*A)", "A"),
    Identity("PP (104)", "A[m,n], X[m,n]", "gradient", "X", "tr(A*X')", "A"),
    Identity("PP (105)", "A[m,m], X[n,n]", "gradient", "X", "tr(kron(A, X))", "tr(A)*eye(n)"),
    # 2.5.2 traces, second order
    Identity("PP (106)", "X[n,n]", "gradient", "X", "tr(X^2)", "2*X'"),
    Identity("PP (107)", "B[n,n], X[n,n]", "gradient", "X", "tr(X^2*B)", "(X*B + B*X)'"),
    Identity("PP (108)", "B[m,m], X[m,n]", "gradient", "X", "tr(X'*B*X)", "B*X + B'*X"),
    Identity("PP (109)", "B[m,m], X[m,n]", "gradient", "X", "tr(B*X*X')", "B*X + B'*X"),
    Identity("PP (110)", "B[m,m], X[m,n]", "gradient", "X", "tr(X*X'*B)", "B*X + B'*X"),
    Identity("PP (111)", "B[n,n], X[m,n]", "gradient", "X", "tr(X*B*X')", "X*B' + X*B"),
    Identity("PP (112)", "B[n,n], X[m,n]", "gradient", "X", "tr(B*X'*X)", "X*B' + X*B"),
    Identity("PP (113)", "B[n,n], X[m,n]", "gradient", "X", "tr(X'*X*B)", "X*B' + X*B"),
    Identity("PP (114)", "A[n,m], B[n,m], X[m,n]", "gradient", "X", "tr(A*X*B*X)", "A'*X'*B' + B'*X'*A'"),
    Identity("PP (115)", "X[m,n]", "gradient", "X", "tr(X'*X)", "2*X"),
    Identity("PP (116)", "B[n,k], C[m,m], X[m,n]", "gradient", "X", "tr(B'*X'*C*X*B)", "C'*X*B*B' + C*X*B*B'"),
    Identity("PP (117)", "B[m,m], C[n,n], X[m,n]", "gradient", "X", "tr(X'*B*X*C)", "B*X*C + B'*X*C'"),
    Identity("PP (118)", "A[k,m], B[n,n], C[m,k], X[m,n]", "gradient", "X", "tr(A*X*B*X'*C)", "A'*C'*X*B' + C*A*X*B"),
    Identity("PP (119)", "A[k,m], B[n,l], C[k,l], X[m,n]", "gradient", "X", "tr((A*X*B + C)*(A*X*B + C)')", "2*A'*(A*X*B + C)*B'"),
    Identity("PP (120)", "X[n,n]", "gradient", "X", "tr(kron(X, X))", "2*tr(X)*eye(n)"),
    # 2.5.3 traces, higher order
    Identity("PP (121)", "X[n,n]", "gradient", "X", "tr(X^3)", "3*(X^2)'"),
    Identity("PP (121)", "X[n,n]", "gradient", "X", "tr(X^4)", "4*(X^3)'"),
    Identity("PP (122)", "A[n,n], X[n,n]", "gradient", "X", "tr(A*X^3)", "(A*X^2)' + (X*A*X)' + (X^2*A)'"),
    Identity("PP (123)", "B[n,k], C[m,m], X[m,n]", "gradient", "X", "tr(B'*X'*C*X*X'*C*X*B)",
             "C*X*X'*C*X*B*B' + C'*X*B*B'*X'*C'*X + C*X*B*B'*X'*C*X + C'*X*X'*C'*X*B*B'"),
    # 2.5.4 traces, other
    Identity("PP (124)", "A[m,n], B[n,m], X[n,n]", "gradient", "X", "tr(A*inv(X)*B)", "-inv(X)'*A'*B'*inv(X)'"),
    Identity("PP (125)", "A[n,n], C[m,m] symmetric, X[m,n]", "gradient", "X", "tr(inv(X'*C*X)*A)",
             "-(C*X*inv(X'*C*X))*(A + A')*inv(X'*C*X)"),
    Identity("PP (126)", "B[m,m] symmetric, C[m,m] symmetric, X[m,n]", "gradient", "X", "tr(inv(X'*C*X)*(X'*B*X))",
             "-2*C*X*inv(X'*C*X)*X'*B*X*inv(X'*C*X) + 2*B*X*inv(X'*C*X)"),
    Identity("PP (127)", "A[n,n] symmetric, B[m,m] symmetric, C[m,m] symmetric, X[m,n], M = A + X'*C*X", "gradient", "X",
             "tr(inv(M)*(X'*B*X))", "-2*C*X*inv(M)*X'*B*X*inv(M) + 2*B*X*inv(M)", "A symmetric too: see MISPRINTS"),
    Identity("PP (127)", "A[n,n], B[m,m] symmetric, C[m,m] symmetric, X[m,n], M = A + X'*C*X, P = inv(M)*X'*B*X*inv(M)", "gradient", "X",
             "tr(inv(M)*(X'*B*X))", "-C*X*(P + P') + B*X*(inv(M) + inv(M)')", "put right: see MISPRINTS"),
    # 2.6, 2.7 norms
    Identity("PP (129)", "a[n], x[n]", "gradient", "x", "norm2(x - a)", "(x - a)/norm2(x - a)"),
    Identity("PP (130)", "a[n], x[n]", "jacobian", "x", "(x - a)/norm2(x - a)",
             "eye(n)/norm2(x - a) - (x - a)*(x - a)'/norm2(x - a)^3"),
    Identity("PP (131)", "x[n]", "gradient", "x", "norm2(x)^2", "2*x"),
    Identity("PP (132)", "X[m,n]", "gradient", "X", "normF(X)^2", "2*X"),
    # 2.8 structured matrices
    Identity("PP (138)", "X[n,n] symmetric, a[n], b[n]", "structured", "X", "a'*X*b", "a*b' + b*a' - diag(a.*b)"),
    Identity("PP (139)", "A[n,n], X[n,n] symmetric", "structured", "X", "tr(A*X)", "A + A' - A.*eye(n)"),
    Identity("PP (140)", "X[n,n] symmetric", "structured", "X", "det(X)", "det(X)*(2*inv(X) - inv(X).*eye(n))"),
    Identity("PP (141)", "X[n,n] symmetric", "structured", "X", "log(det(X))", "2*inv(X) - inv(X).*eye(n)"),
    Identity("PP (142)", "A[n,n], x[n]", "gradient", "x", "tr(A*diag(x))", "diag(A)"),
    Identity("PP (143)", "A[n,n], t[2*n-1], u[2*n-1]", "directional", "t, u", "sum(i, sum(j, A[i,j]*t[j-i+n]))^2",
             "2*sum(i, sum(j, A[i,j]*t[j-i+n]))*sum(i, sum(j, A[i,j]*u[j-i+n]))", "of tr(A*T)^2, with T[i,j] = t[i-j+n]"),
)

# What the book prints wrongly. The right answers stand above.
MISPRINTS = (
    Identity("PP (92)", "a[n], b[n], X[n,n]", "gradient", "X", "a'*(X^2)'*X^2*b",
             "X*a*b'*(X^2)' + a*b'*(X^2)'*X + X^2*a*b'*X' + X'*X^2*a*b'",
             "the first term in the sum, X^(n-1-r)*a*b'*(X^n)'*X^r, is the transpose of what it should be: (X^r)'*X^n*b*a'*(X^(n-1-r))'"),
    Identity("PP (94), (95)", "A[m,n], B[n,n], x[n]", "gradient", "x", "norm2(A*x)^2/norm2(B*x)^2",
             "2*A'*A*x/(x'*B*B*x) - 2*(x'*A'*A*x)*B'*B*x/(x'*B'*B*x)^2",
             "the first denominator is x'*B'*B*x, printed without the transpose"),
    Identity("PP (127)", "A[n,n], B[m,m] symmetric, C[m,m] symmetric, X[m,n], M = A + X'*C*X", "gradient", "X",
             "tr(inv(M)*(X'*B*X))", "-2*C*X*inv(M)*X'*B*X*inv(M) + 2*B*X*inv(M)",
             "right only where A is symmetric, which the book does not say: it assumes B and C symmetric"),
)
# fmt: on
