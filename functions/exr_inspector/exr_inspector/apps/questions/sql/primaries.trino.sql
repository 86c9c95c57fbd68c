WITH known (primaries, red_x, red_y, green_x, green_y) AS (
  VALUES ('Rec.709', 0.64, 0.33, 0.30, 0.60), ('Rec.2020', 0.708, 0.292, 0.170, 0.797),
         ('P3', 0.680, 0.320, 0.265, 0.690), ('AP0', 0.7347, 0.2653, 0.0, 1.0), ('AP1', 0.713, 0.293, 0.165, 0.830)
), stated AS (
  SELECT file_id, file_path,
         TRY_CAST(json_extract_scalar(value_json, '$.red.x') AS double) AS red_x,
         TRY_CAST(json_extract_scalar(value_json, '$.red.y') AS double) AS red_y,
         TRY_CAST(json_extract_scalar(value_json, '$.green.x') AS double) AS green_x,
         TRY_CAST(json_extract_scalar(value_json, '$.green.y') AS double) AS green_y
  FROM attributes
  WHERE attr_name = 'chromaticities' AND attr_type = 'chromaticities'
)
SELECT regexp_extract(stated.file_path, $show, 1) AS show_name,
       coalesce(known.primaries, 'other') AS primaries,
       count(DISTINCT stated.file_id) AS files
FROM stated
LEFT JOIN known
  ON abs(stated.red_x - known.red_x) < 0.001 AND abs(stated.red_y - known.red_y) < 0.001
 AND abs(stated.green_x - known.green_x) < 0.001 AND abs(stated.green_y - known.green_y) < 0.001
GROUP BY 1, 2
ORDER BY 1, 2
