-- Which files were made with a 35 mm lens?
--
-- `value_float` holds numbers of every type; `attr_name` is OpenEXR's own name.
--
-- $millimeters number = 35: The focal length; half a millimeter more or less is accepted.
SELECT coalesce(f.sequence_key, f.file_path) AS sequence_or_file,
       a.attr_name, a.value_float AS millimeters, count(*) AS files
FROM attributes AS a
JOIN files AS f ON f.file_id = a.file_id
WHERE a.attr_name IN ('nominalFocalLength', 'effectiveFocalLength', 'pinholeFocalLength')
  AND a.value_float BETWEEN $millimeters - 0.5 AND $millimeters + 0.5
GROUP BY 1, 2, 3
ORDER BY 1, 2
