"""The text of documents and the hash of their facts, pinned: stored rows are compared by them.

If a change is intended, raise HEADER_VERSION and replace the hashes by those that
`python -m tests.catalog.golden` prints.
"""

from __future__ import annotations

from tests.catalog.golden import hashes

GOLDEN = {
    "scan lines": "d1272a21a9302839 996f5ec78643caf5",
    "blocks of scan lines": "f8d17fe8c2dc058d 0805a79aedebc5a5",
    "scan lines backwards": "03d870c7d514adbc 91b6a12cbe7667aa",
    "one scan line": "9999da407d512b3c 8eecca6491b8fb89",
    "scan lines in any order": "f20ce59b5d517a05 314d7d5667c6b493",
    "one tiles, down": "6b1472a9b3e3acc5 5d18207bb8e72823",
    "one tiles, up": "3406984e6b845e4b fa32ccd58190caaa",
    "mipmap tiles, down": "990110c4ccd7dcff 97acb74a2b05332e",
    "mipmap tiles, up": "aae81ccf56c6a9dc bbbfb99a5dc5a248",
    "ripmap tiles, down": "fcf3f2358aae5ff3 c8edb2e621db175e",
    "ripmap tiles, up": "b771f7773dc3a3de 259bed49bd1bab9a",
    "deep scan lines": "11b2872d7f6c0f47 8b6218da514acb52",
    "parts of every kind": "dd525787dabb6b36 39017015be55696c",
    "cut scan lines": "fcf557de2a5130f1 3bf5161515c01754",
    "no table scan lines": "67c9a4d026a406e5 0ca2419afc36f1d1",
    "cut blocks of scan lines": "5fe3f8e94afa8ae6 94c60d2465009533",
    "no table blocks of scan lines": "b41b838c7c67727a c326b9dfec4acc86",
    "cut scan lines backwards": "02a15a8969d1b2b2 d749972f1f1aac0d",
    "no table scan lines backwards": "4b6db52f08062030 7f2dfb292e3cb3ab",
    "cut one scan line": "8a9957de0867f1da 7d490b4b54257372",
    "no table one scan line": "fefffa119700719d 06317b152405d0ee",
    "cut scan lines in any order": "43ea30df1c9f41b8 1feab4fdd9748922",
    "no table scan lines in any order": "0820f26b3ce622d5 9f7e5011f0501d32",
    "cut one tiles, down": "deddea0731f838de 81605bfb34931a4c",
    "no table one tiles, down": "67edd792a3287c17 07dd32d68960470e",
    "cut one tiles, up": "2c8c6dcb1d6bd33b 12d81b474a0e787f",
    "no table one tiles, up": "82da892cd23cb704 d2bb9b85d1e6fc61",
    "cut mipmap tiles, down": "b8b9ecf413ea4b8f cf08a9740c78411e",
    "no table mipmap tiles, down": "bcb034a10c592e5a c46428391f609b1d",
    "cut mipmap tiles, up": "0f2d63935725fbff 949b7a75ffbead6e",
    "no table mipmap tiles, up": "318917ed5f890b2f 4bc3b25c2b4dcb66",
    "cut ripmap tiles, down": "18545e64247ed422 c8902321b97ad297",
    "no table ripmap tiles, down": "8ec3a7ee4bb257a8 f001afe563558657",
    "cut ripmap tiles, up": "ed4ea14b9e20dca6 c191417f678a2bc4",
    "no table ripmap tiles, up": "adfb4d02b83971cf a35670e8e3ad5854",
    "cut deep scan lines": "2a6157bcfa306c7c 622b94bf153dd695",
    "no table deep scan lines": "4eab8d32bdd281d7 366268ac6734d38c",
    "cut parts of every kind": "476dda6f9bda9ff6 92d8c0768a0820a7",
    "no table parts of every kind": "b779200f9f54893f 9c6d962392c049f6",
    "shots/sq010/sh010/beauty.1001.exr": "62dbadc957a2e9f6 c949034322441614",
    "shots/sq010/sh010/stereo.1001.exr": "971c3c40a83adbaa e11d1047b20666ae",
    "shots/sq010/sh010/deep.1001.exr": "bf68ecbf18437c47 a71f9fb6c6e78734",
    "shots/sq010/sh010/plate.1001.exr": "14c1cdb3f49aad5c d37db9aa247e0995",
    "assets/hill/textures/hill_albedo.exr": "1860e0243cd756a6 161810731ad97ece",
    "shots/sq010/sh020/beauty.1001.exr": "a9281311f0416bcb b68d90c9733eec0e",
    "shots/sq010/sh020/beauty.1002.exr": "7c49c32c540bbe75 9e9742ce6330c0ef",
    "shots/sq010/sh020/beauty.1003.exr": "3d012ade5b046134 1117eb5232c8cdaf",
    "shots/sq010/sh020/beauty.1005.exr": "f0c11d893797b244 f5519c027dee37d6",
    "shots/sq010/sh020/beauty.1006.exr": "5ac877306db8b7ca ba8cb3c2c3cf02a8",
    "odd": "455be0e681e31102 56743054d58acb9c",
    "parts": "30a66d719801992e 028e9cc522de97f4",
    "no channels": "d9482a9e9502c47e 0689137d2254b6c8",
}


def test_documents_and_facts_have_their_golden_hashes() -> None:
    assert hashes() == GOLDEN
