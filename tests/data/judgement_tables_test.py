"""Tables of choices and opinions, and the Generative Image Database."""

import math

import numpy as np
import pytest

from tfpercept.data import judgement_tables as tables
from tfpercept.io import files

HEADER = (
  "pair,image_a,model_a,quality_a,image_b,model_b,quality_b,n_subjects,n_ones\n"
)


def write_pictures(folder, *names):
  for name in names:
    files.write_image(folder / name, np.zeros((4, 4, 3), np.uint8))


@pytest.fixture
def gan(tmp_path):
  write_pictures(
    tmp_path / "images",
    "00007_original.png", "00007_HiFiC_lo.png", "00007_ESRGAN_lo.webp",
  )  # fmt: skip
  (tmp_path / "judgements.csv").write_text(
    HEADER
    + "0,7,HiFiC,lo,7,ESRGAN,lo,4,3\n"
    + "1,7,original,,7,HiFiC,lo,4,1\n"
    + "2,7,HiFiC,lo,8,HiFiC,lo,4,1\n"
    + "3,7,HiFiC,lo,7,hevc,lo,4,1\n"
    + "4,7,HiFiC,lo,7,ArNet,lo,4,1\n"
    + "5,7,HiFiC,lo,7,ESRGAN,lo,4,9\n"
    + "6,7,../x,lo,7,ESRGAN,lo,4,1\n"
    + "7,seven,HiFiC,lo,7,ESRGAN,lo,4,1\n"
  )
  return tmp_path


def test_pairs_of_one_content_are_judged_beside_its_original(gan):
  data = tables.gan_2afc(gan)
  assert [(i.name, i.content, i.answer) for i in data.items] == [
    ("pair 0", "7", 0.75),
    ("pair 1", "7", 0.25),
  ]
  assert data.items[1].images[0] == data.items[0].reference
  assert data.note.startswith("1 of the pairs hold the original itself")
  assert "1 pairs of two contents and 1 with HEVC" in data.note


def test_what_is_wrong_with_a_pair_is_reported(gan):
  assert tables.gan_2afc(gan).failures == {
    "pair 4": "there is no image 00007_ArNet_lo",
    "pair 5": "9 of 4 people chose B, which is impossible",
    "pair 6": "'00007_../x_lo' is not the name of a picture",
    "pair 7": "image_a is 'seven', not a whole number",
  }


def test_published_values_become_distances_with_the_original_nearest(gan):
  (gan / "metrics_published.csv").write_text(
    "ID,Model,Quality,MSE,PSNR,SSIM,MS-SSIM,VIF,FSIM\n"
    "7,HiFiC,lo,0.01,20,0.9,0.95,0.5,0.8\n"
    "9,HiFiC,lo,0.02,17,0.8,0.9,0.4,0.7\n"
  )
  data = tables.gan_2afc(gan)
  original, image = (p.key for p in data.items[1].images)
  assert data.published["MSE"] == {original: 0.0, image: 0.01}
  assert data.published["PSNR"] == {original: -math.inf, image: -20.0}
  assert data.published["SSIM"] == {original: -1.0, image: -0.9}


def test_the_numbers_that_the_data_are_said_to_have(shared):
  data = tables.gan_2afc(shared / "data" / "gan_2afc")
  assert (len(data.items), len(data.contents), data.failures) == (180, 4, {})
  share = np.array([item.answer for item in data.items])
  # 0.814 is what the folder's README states, to its three digits.
  assert np.maximum(share, 1 - share).mean() == pytest.approx(0.814, abs=5e-4)


def test_a_table_of_choices_needs_nothing_but_its_four_columns(tmp_path):
  write_pictures(tmp_path, "r.png", "A.PNG", "b.png")
  (tmp_path / "t.csv").write_text(
    "reference,first,second,share\n"
    "r.png,a.png,b.png,0.25\n"
    "r.png,a.png,c.png,0.25\n"
    "r.png,a.png,../b.png,0.25\n"
    "r.png,a.png,b.png,1.25\n"
    "r.png,a.png,b.png,\n"
  )
  data = tables.choices(tmp_path / "t.csv")
  (item,) = data.items
  assert (item.content, item.answer) == ("r.png", 0.25)
  assert item.images[0].key == str(tmp_path / "A.PNG")
  assert list(data.failures) == ["line 3", "line 4", "line 5", "line 6"]
  assert "there is no 'c.png' in" in data.failures["line 3"]
  assert "there is no '../b.png' in" in data.failures["line 4"]
  assert "0 to 1; got 1.25" in data.failures["line 5"]
  assert data.failures["line 6"] == "share is '', not a finite number"


def test_opinions_where_lower_is_better_are_turned_round(tmp_path):
  write_pictures(tmp_path, "r.png", "a.png")
  (tmp_path / "t.csv").write_text(
    "image,reference,score,content,subset\na.png,r.png,2.5,boat,blur\n"
  )
  (item,) = tables.opinions(tmp_path / "t.csv").items
  assert (item.answer, item.content, item.subset) == (2.5, "boat", "blur")
  (item,) = tables.opinions(tmp_path / "t.csv", lower_is_better=True).items
  assert item.answer == -2.5


def test_pictures_may_lie_in_subfolders_that_the_table_does_not_name(tmp_path):
  write_pictures(tmp_path / "distorted_images", "i01_01_1.bmp")
  write_pictures(tmp_path / "reference_images", "I01.BMP")
  write_pictures(tmp_path / "jp2k", "img2.bmp")
  (tmp_path / "t.csv").write_text(
    "image,reference,score\nI01_01_1.bmp,i01.bmp,5\njp2k/img2.bmp,I01.BMP,4\n"
  )
  keys = [
    item.images[0].key for item in tables.opinions(tmp_path / "t.csv").items
  ]
  assert keys == [
    str(tmp_path / "distorted_images" / "i01_01_1.bmp"),
    str(tmp_path / "jp2k" / "img2.bmp"),
  ]


@pytest.mark.parametrize(
  ("data", "message"),
  [
    (None, "does not exist"),
    (b"", "lacks the columns image, reference, score; it has none"),
    (b"image,score\na,1\n", "lacks the columns reference; it has image, sc"),
    (b"image,reference,score\n", "no usable judgement"),
    (b"image,reference,score\na,b,c\n", "no usable judgement"),
    (b"image,reference,score\n\xff\xfe,b,1\n", "is not a table"),
    (b"image,reference,score\n" + b"x" * 200_000, "is not a table"),
  ],
)
def test_what_is_no_table_is_refused(tmp_path, data, message):
  if data is not None:
    (tmp_path / "t.csv").write_bytes(data)
  with pytest.raises(ValueError, match=message):
    tables.opinions(tmp_path / "t.csv")


def test_one_file_is_one_content_however_a_table_spells_it(tmp_path):
  write_pictures(tmp_path, "r.png", "a.png", "b.png", "x/c.png")
  (tmp_path / "t.csv").write_text(
    "image, reference, score\n"
    "a.png, r.png, 1\n./b.png, R.PNG, 2\nx\\c.png, ./r.png, 3\n"
  )
  data = tables.opinions(tmp_path / "t.csv")
  assert data.failures == {}
  assert data.contents == ("r.png",)
  assert len({i.reference for i in data.items}) == 1
  assert data.items[2].images[0].key == str(tmp_path / "x" / "c.png")


def test_a_name_of_two_files_is_refused_by_name(tmp_path):
  write_pictures(tmp_path, "r.png", "x/a.png", "y/a.png", "b.png", "B.png")
  (tmp_path / "t.csv").write_text(
    "image,reference,score\n"
    "a.png,r.png,1\nx/a.png,r.png,2\nb.png,r.png,3\nB.PNG,r.png,4\n"
  )
  data = tables.opinions(tmp_path / "t.csv")
  assert [item.answer for item in data.items] == [2, 3]
  assert "ambiguous in" in data.failures["line 2"]
  assert "B.png and b.png" in data.failures["line 5"]


def test_a_picture_with_two_mean_opinions_has_none(tmp_path):
  write_pictures(tmp_path, "r.png", "a.png", "b.png")
  (tmp_path / "t.csv").write_text(
    "image,reference,score\na.png,r.png,1\nb.png,r.png,2\n./A.png,r.png,3\n"
  )
  data = tables.opinions(tmp_path / "t.csv")
  assert [item.name for item in data.items] == ["line 3"]
  for name in ("line 2", "line 4"):
    assert "a score in line 2 and in line 4" in data.failures[name]


def test_single_votes_are_choices_as_good_as_shares(tmp_path):
  write_pictures(tmp_path, "r.png", "a.png", "b.png")
  (tmp_path / "t.csv").write_text(
    "reference,first,second,share\n" + "r.png,a.png,b.png,1\n" * 3
  )
  assert len(tables.choices(tmp_path / "t.csv").items) == 3


def test_a_decimal_comma_moves_no_number_into_another_column(tmp_path):
  write_pictures(tmp_path, "r.png", "a.png", "b.png")
  (tmp_path / "t.csv").write_text(
    "reference,first,second,share\nr.png,a.png,b.png,0,5\n"
    'r.png,a.png,b.png,"0,5"\nr.png,a.png,b.png,1_0\nr.png,a.png,b.png,0.5\n'
  )
  data = tables.choices(tmp_path / "t.csv")
  assert [item.answer for item in data.items] == [0.5]
  assert "5 cells, the header 4" in data.failures["line 2"]
  assert data.failures["line 3"].endswith("not a finite number; write 0.5")
  assert data.failures["line 4"] == "share is '1_0', not a finite number"


def test_an_image_with_two_suffixes_is_none(gan):
  write_pictures(gan / "images", "00007_HiFiC_lo.jpg")
  with pytest.raises(ValueError, match="no usable judgement") as error:
    tables.gan_2afc(gan)
  assert "00007_HiFiC_lo.png and 00007_HiFiC_lo.jpg" in str(error.value)


def test_what_is_published_of_an_image_stands_there_once(gan):
  (gan / "metrics_published.csv").write_text(
    "ID,Model,Quality,MSE,PSNR,SSIM,MS-SSIM,VIF,FSIM\n"
    + "7,HiFiC,lo,0.01,20,0.9,0.95,0.5,0.8\n" * 2
  )
  with pytest.raises(ValueError, match="csv, line 3: the image is listed tw"):
    tables.gan_2afc(gan)
