-- Short names of configurations, and the table of the best.
local labels = require "thalweg.runner.labels"
local standings = require "thalweg.runner.standings"
local test = require "spec"

test("splits a canonical text at the blanks between parameters only", function()
  test.eq(labels.split('a=1 b="x y=2 \\" }" c=step{size=2,t={1, 2}} d=0.1 * (cosine{steps=3}) e=true'),
    { { "a", "1" }, { "b", '"x y=2 \\" }"' }, { "c", "step{size=2,t={1, 2}}" }, { "d", "0.1 * (cosine{steps=3})" }, { "e", "true" } })
  test.eq(labels.split(""), {})
end)

test("keeps what differs, sorted", function()
  local short = labels.shortener { 'kind="a" lr=0.1 n=3', 'kind="b" lr=0.1 n=3', 'kind="b" lr=0.1 n=4 extra=1' }
  test.eq(short 'kind="a" lr=0.1 n=3', "kind=a n=3")
  test.eq(short 'kind="b" lr=0.1 n=4 extra=1', "extra=1 kind=b n=4")
  test.eq(labels.shortener { "lr=0.1", "lr=0.1" }("lr=0.1"), "lr=0.1")
end)

test("a parameter that only the first configuration has differs", function()
  test.eq((labels.varying { "a=1 b=2", "b=2" }), { "a" })
end)

test("the median is the middle, or the mean of the middle two", function()
  test.eq(standings.median { 3, 1, 2 }, 2)
  test.eq(standings.median { 4, 1, 2, 3 }, 2.5)
  test.ok(standings.median {} ~= standings.median {})
end)

test("lays numbers out flush right and text flush left", function()
  test.eq(standings.layout({ "name", "x" }, { { "a", 1 }, { "long name", "22" }, { "b", nil } }), { "name        x", "a           1", "long name  22", "b" })
end)

test.close()
