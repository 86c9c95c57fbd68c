-- How much does each show store per compression?
--
-- Sum bytes and files. Deep files are separate because they compress differently.
--
-- | show_name | compression | is_deep | files | bytes |
-- |---|---|---|---|---|
-- | hill | zip | false | 14 | 57700 |
-- | hill | piz | false | 5 | 15000 |
-- | hill | dwaa | false | 3 | 7500 |
-- | hill | b44 | false | 1 | 2000 |
SELECT regexp_extract(f.file_path, $show, 1) AS show_name,
       p.compression, f.is_deep, count(*) AS files, sum(f.size_bytes) AS bytes
FROM files AS f
JOIN parts AS p ON p.file_id = f.file_id AND p.part_index = 0
GROUP BY 1, 2, 3
ORDER BY 1, bytes DESC, 2
